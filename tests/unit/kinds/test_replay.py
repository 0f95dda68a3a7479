"""Which pods are asked to send kept requests again, for what, and how often."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from soloist.control.execute import execute
from soloist.core.asking import AskPod
from soloist.kinds.modelendpoint import policy, routing, traffic
from soloist.kinds.modelendpoint.desired import desire
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.kinds.modelendpoint.replay import asks
from soloist.kinds.modelendpoint.servers import parse_counts
from soloist.kinds.modelendpoint.status import summarize
from tests.support.fake_ports import World
from tests.support.kinds import NOW, PLATFORM, an_endpoint, endpoint_facts
from tests.unit.kinds.test_endpoint_policy import rolling

LIVE = "2026-11-23T02:59:00Z"  # a minute before now
THIN = {"replay": {}}


def a_pod(name: str, address: str | None = "10.0.0.1", *, ready: bool = True, **meta: Any) -> Any:
    told: dict[str, Any] = {
        "conditions": [{"type": "Ready", "status": str(ready)}],
        "podIP": address,
    }
    return {"metadata": {"name": name, "namespace": "demo", **meta}, "status": told}


def in_shadow(rollout: Any = None) -> Any:
    return an_endpoint(
        rolling(2, "Shadow", liveSince=LIVE), rollout=THIN if rollout is None else rollout
    )


def facts(endpoint: Any, *pods: Any, at: datetime = NOW, memory: Any = None) -> EndpointFacts:
    champions = pods or (a_pod("a"),)
    known = traffic.Memory(policy.stage(endpoint), since=NOW - timedelta(minutes=1))
    return endpoint_facts(
        now=at, pods={"1": champions, "2": (a_pod("new", "10.0.0.2"),)}, memory=memory or known
    )


def test_the_champions_ready_pods_are_asked_together_for_twenty() -> None:
    endpoint = in_shadow()
    pods = (
        a_pod("a"),
        a_pod("b", "10.0.0.3"),
        a_pod("starting", "10.0.0.4", ready=False),
        a_pod("going", "10.0.0.5", deletionTimestamp="2026-11-23T02:59:59Z"),
        a_pod("unplaced", None),
    )
    first, second = asks(endpoint, facts(endpoint, *pods), PLATFORM)
    assert [one.url for one in (first, second)] == [
        "http://10.0.0.1:8080/replay",
        "http://10.0.0.3:8080/replay",
    ]
    said = json.loads(first.message)
    assert said["requests"] == 10
    assert said["olderThan"] > 60, "what came since was copied then"


def test_one_round_is_one_count() -> None:
    """Counts that begin anew, by another stage or another process, take each kept request once more."""
    endpoint = in_shadow()

    def round_of(since: datetime) -> str:
        memory = traffic.Memory(policy.stage(endpoint), since=since)
        (ask,) = asks(endpoint, facts(endpoint, memory=memory), PLATFORM)
        return str(json.loads(ask.message)["round"])

    assert round_of(NOW) == round_of(NOW) != round_of(NOW - timedelta(seconds=1))


def test_nobody_is_asked_where_it_is_not_wanted_or_nothing_is_known_yet() -> None:
    endpoint = in_shadow()
    assert asks(in_shadow({}), facts(endpoint), PLATFORM) == ()
    assert asks(endpoint, endpoint_facts(pods={"1": (a_pod("a"),)}), PLATFORM) == ()
    of_another = traffic.Memory("another stage", since=NOW)
    assert asks(endpoint, facts(endpoint, memory=of_another), PLATFORM) == ()


def test_they_are_asked_once_a_second() -> None:
    endpoint = in_shadow()
    seen = facts(endpoint)
    assert any(isinstance(one, AskPod) for one in desire(endpoint, seen, PLATFORM).effects)
    memory = summarize(endpoint, seen, PLATFORM, ()).memory
    assert isinstance(memory, traffic.Memory)
    assert memory.asked == NOW
    soon, later = NOW + timedelta(milliseconds=900), NOW + timedelta(seconds=1)
    assert asks(endpoint, facts(endpoint, at=soon, memory=memory), PLATFORM) == ()
    assert asks(endpoint, facts(endpoint, at=later, memory=memory), PLATFORM) != ()


@pytest.mark.parametrize(
    ("limit", "requests", "seconds"),
    [(None, 20, 1), (1000, 20, 1), (20, 5, 1), (4, 1, 1), (2, 1, 2), (1, 1, 2)],
)
def test_of_a_rate_limit_clients_keep_half(limit: int | None, requests: int, seconds: int) -> None:
    """The limit is of two gateway pods together, and one of them may get all."""
    gateway = {"gateway": {"rateLimit": limit}} if limit else {}
    endpoint = an_endpoint(rolling(2, "Shadow", liveSince=LIVE), rollout=THIN, **gateway)
    (ask,) = asks(endpoint, facts(endpoint), PLATFORM)
    assert json.loads(ask.message)["requests"] == requests
    asked = traffic.Memory(policy.stage(endpoint), since=NOW, asked=NOW)
    just_before, due = (NOW + timedelta(seconds=seconds + more) for more in (-0.01, 0))
    assert asks(endpoint, facts(endpoint, at=just_before, memory=asked), PLATFORM) == ()
    assert asks(endpoint, facts(endpoint, at=due, memory=asked), PLATFORM) != ()


def test_where_there_are_more_pods_than_requests_each_has_its_turn() -> None:
    endpoint = an_endpoint(
        rolling(2, "Shadow", liveSince=LIVE), rollout=THIN, gateway={"rateLimit": 8}
    )
    pods = [a_pod(f"p{number}", f"10.0.0.{number}") for number in range(3, 6)]
    asked = []
    for second in range(3):
        memory = traffic.Memory(policy.stage(endpoint), since=NOW)
        seen = facts(endpoint, *pods, at=NOW + timedelta(seconds=second), memory=memory)
        told = asks(endpoint, seen, PLATFORM)
        assert [json.loads(one.message)["requests"] for one in told] == [1, 1]
        asked += [one.url for one in told]
    assert len(set(asked)) == 3


def test_what_was_asked_again_is_counted_since_the_stage_began() -> None:
    endpoint = in_shadow()
    plan, seen = routing.plan(endpoint, PLATFORM), facts(endpoint)
    memory: Any = None
    for number in (40, 55):
        page = f"soloist_replayed_requests_total {number}.0\n"
        looked = replace(seen, counts={"a": parse_counts(page)}, memory=memory)
        memory = traffic.count(plan, "stage", looked)
    assert memory.tally.total.champion.replayed == 15


def test_what_is_left_is_known_once_the_champions_pods_were_asked() -> None:
    endpoint = in_shadow()
    plan, seen = (
        routing.plan(endpoint, PLATFORM),
        facts(endpoint, a_pod("a"), a_pod("b", "10.0.0.3")),
    )
    counts = {
        name: parse_counts(f"soloist_kept_requests_left {left}.0\n")
        for name, left in (("a", 3), ("b", 4), ("new", 50))
    }
    seen = replace(seen, counts=counts)
    never = traffic.Memory("stage", since=NOW)
    asked = replace(never, asked=NOW)
    assert traffic.kept_left(plan, never, seen) is None
    assert traffic.kept_left(plan, asked, seen) == 7
    assert traffic.kept_left(plan, asked, replace(seen, counts={})) is None


def test_a_pod_that_is_asked_is_told() -> None:
    world = World()
    effect = AskPod("http://10.0.0.1:8080/replay", '{"round": "1"}')
    done = asyncio.run(execute((), (effect,), "uid-1", world.ports))
    assert done.performed == 1
    assert world.pages.told == [("http://10.0.0.1:8080/replay", '{"round": "1"}')]
