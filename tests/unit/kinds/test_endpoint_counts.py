"""What serving pods count reaches the arm of their version, and is asked for only while it decides something."""

from __future__ import annotations

from typing import Any

from soloist.api.v1alpha1.modelendpoint import ModelEndpointStatus
from soloist.core.effects import ReadPages
from soloist.kinds.modelendpoint import names, routing, traffic
from soloist.kinds.modelendpoint.facts import needs
from soloist.kinds.modelendpoint.servers import ServerCounts, parse_counts
from soloist.rollout.readings import ArmWindow
from soloist_workloads.serving.compare import parse_peer, peers_pattern
from tests.support.kinds import PLATFORM, an_endpoint, endpoint_facts
from tests.unit.kinds.test_endpoint_policy import rolling, serving

PAGE = """\
# HELP soloist_invalid_answers_total Answers with NaN or an infinity.
# TYPE soloist_invalid_answers_total counter
soloist_invalid_answers_total 12.0
soloist_compared_answers_total 40.0
soloist_disagreeing_answers_total 8.0
soloist_answer_distance_sum 2.5
soloist_serving_requests_total{code="200",protocol="v1"} 400.0
"""
CHAMPION, CANDIDATE, OTHER = "flights-v1-a", "flights-v2-b", "flights-v9-c"
PODS = {
    version: ({"metadata": {"name": pod}},)
    for version, pod in (("1", CHAMPION), ("2", CANDIDATE), ("9", OTHER))
}


def looked(*looks: dict[str, ServerCounts]) -> traffic.Memory:
    """What is known after these looks at a canary."""
    endpoint = an_endpoint(rolling(2, "Canary", weight=10))
    plan = routing.plan(endpoint, PLATFORM)
    memory: Any = None
    for counts in looks:
        facts = endpoint_facts(pods=PODS, counts=counts, memory=memory)
        memory = traffic.count(plan, "stage", facts)
    assert isinstance(memory, traffic.Memory)
    return memory


def test_a_page_is_read() -> None:
    assert parse_counts(PAGE) == ServerCounts(12, 40, 8, 2.5)
    assert parse_counts("soloist_serving_in_flight_requests 1.0\n") == ServerCounts()


def test_each_pod_speaks_for_its_version() -> None:
    total = looked(
        {pod: ServerCounts(invalid=3) for pod in (CHAMPION, CANDIDATE, OTHER)},
        {
            CHAMPION: ServerCounts(invalid=4),
            CANDIDATE: ServerCounts(invalid=10),
            OTHER: ServerCounts(invalid=90),
        },
    ).tally.total
    assert (total.champion.invalid, total.candidate.invalid) == (1, 7)


def test_what_was_compared_is_the_candidates() -> None:
    before, now = ServerCounts(0, 10, 1, 0.5), ServerCounts(0, 110, 21, 3.0)
    total = looked(
        dict.fromkeys((CHAMPION, CANDIDATE), before), dict.fromkeys((CHAMPION, CANDIDATE), now)
    ).tally.total
    assert total.champion == ArmWindow()
    assert total.candidate == ArmWindow(compared=100, disagreed=20, score_distance_sum=2.5)


def test_a_pod_that_does_not_answer_for_a_while_loses_nothing() -> None:
    total = looked(
        {CANDIDATE: ServerCounts(invalid=3)}, {}, {CANDIDATE: ServerCounts(invalid=8)}
    ).tally.total
    assert total.candidate.invalid == 5


def test_a_pod_that_began_anew_counts_from_nothing() -> None:
    total = looked(
        {CANDIDATE: ServerCounts(invalid=30)}, {CANDIDATE: ServerCounts(invalid=2)}
    ).tally.total
    assert total.candidate.invalid == 2


def test_a_pod_may_ask_other_versions_and_nobody_else() -> None:
    endpoint = an_endpoint(serving(1))
    pattern = peers_pattern(names.peers(endpoint, PLATFORM))
    for version in ("1", "12345"):
        host = names.host(endpoint, version, PLATFORM)
        assert parse_peer(f"{host}:{names.SERVER_PORT}", pattern) == (host, names.SERVER_PORT)
    host = names.host(endpoint, "1", PLATFORM)
    for text in (f"x{host}:8080", f"{host}:22", f"{host}:8080.evil", host, "", "10.0.0.1:8080"):
        assert parse_peer(text, pattern) is None


def test_a_calm_endpoints_pods_are_not_asked() -> None:
    def asked(status: ModelEndpointStatus | dict[str, Any]) -> set[int]:
        reads = needs(an_endpoint(status), PLATFORM)
        return {read.port for read in reads if isinstance(read, ReadPages)}

    calm, rollout = asked(serving(1)), asked(rolling(2, "Canary", weight=10))
    assert rollout - calm == {names.SERVER_PORT}
