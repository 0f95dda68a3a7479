"""Each gate: which numbers lead to which verdict, and what it says."""

from __future__ import annotations

from typing import Any

import pytest

from soloist.api.v1alpha1.rollout import LatencyGate, QueryGate
from soloist.api.v1alpha1.rollout_status import Evidence, RolloutStatus
from soloist.rollout import gates, latency
from soloist.rollout.gates import FAIL, PASS
from soloist.rollout.readings import Arms, ArmWindow
from soloist.rollout.sequential import Count
from soloist.rollout.world import Pods
from tests.support.rollouts import arm, arms, policy, world

SINCE = "2026-11-01T00:00:00Z"


def judged(seen: Arms | None, stage: str = "Canary", **gates_of: Any) -> dict[str, Evidence]:
    rollout = RolloutStatus.model_validate(
        {"version": "2", "stage": stage, "since": SINCE, "liveSince": SINCE}
    )
    found = gates.judge(policy(gates=gates_of), rollout, world(readings=seen))
    return {one.gate: one for one in found}


@pytest.mark.parametrize(
    ("candidate", "champion", "verdict"),
    [
        (Count(0, 0), Count(0, 0), "NotEnoughData"),
        (Count(0, 50), Count(0, 450), "NotEnoughData"),
        (Count(0, 500), Count(0, 0), "NotEnoughData"),
        (Count(0, 500), Count(0, 4500), "Pass"),
        (Count(1, 1000), Count(9, 9000), "Pass"),
        (Count(1, 10), Count(0, 90), "NotEnoughData"),
        (Count(10, 20), Count(0, 180), "Fail"),
        (Count(100, 200), Count(900, 1800), "Pass"),
        (Count(30, 600), Count(2, 5400), "Fail"),
    ],
    ids=[
        "no requests",
        "few and well",
        "nobody to compare with",
        "well",
        "as the champion",
        "one error is an accident",
        "half of few",
        "an outage of both",
        "5 %",
    ],
)
def test_the_verdict_of_a_share(candidate: Count, champion: Count, verdict: str) -> None:
    assert gates.rate_gate("errorRate", candidate, champion, 0.003, 100).verdict == verdict


def test_a_gate_says_its_numbers() -> None:
    said = gates.rate_gate("errorRate", Count(2, 2140), Count(20, 20000), 0.003, 100)
    assert said.message == "0.0935 % (n=2,140) against 0.1 % (n=20,000), tolerated 0.3 %"
    assert (said.value, said.champion, said.n, said.threshold) == (0.0935, 0.1, 2140, 0.3)


@pytest.mark.parametrize(
    ("slower", "requests", "verdict"),
    [(1.0, 600, "Pass"), (1.2, 600, "Pass"), (2.0, 600, "Fail"), (10.0, 60, "Fail"), (10.0, 2, "NotEnoughData"),
     (1.0, 60, "NotEnoughData")],
)  # fmt: skip
def test_latency_is_held_against_the_champions(slower: float, requests: int, verdict: str) -> None:
    seen = arms(arm(requests, slower=slower))
    assert latency.judge(LatencyGate(), seen, 100, fail=FAIL, enough=PASS).verdict == verdict


def test_a_latency_that_is_tolerated_anyway_never_fails() -> None:
    seen = arms(arm(600, slower=10))
    told = latency.judge(LatencyGate(at_most="250ms"), seen, 100, fail=FAIL, enough=PASS)
    assert (told.verdict, told.threshold) == ("Pass", 250)


def test_a_few_milliseconds_more_are_no_matter() -> None:
    fast = ArmWindow(5400, latency=arm(5400, slower=0.1).latency)
    told = latency.judge(
        LatencyGate(), arms(arm(600, slower=0.3), fast), 100, fail=FAIL, enough=PASS
    )
    assert told.verdict == "Pass"


def test_a_version_that_hangs_beyond_every_bound_is_slow() -> None:
    seen = arms(arm(60, slower=1e6))
    told = latency.judge(LatencyGate(), seen, 100, fail=FAIL, enough=PASS)
    assert (told.verdict, told.value) == ("Fail", None)
    assert "beyond every bound" in told.message


def test_what_everybody_suffers_convicts_nobody() -> None:
    seen = arms(arm(600, errors=300, slower=5), arm(5400, errors=2700, slower=5))
    assert {one.verdict for one in judged(seen).values()} == {"Pass"}


def test_invalid_answers_fail_although_they_are_quick_and_no_errors() -> None:
    found = judged(arms(arm(60, invalid=60)))
    assert found["invalid"].verdict == "Fail"
    assert found["errorRate"].verdict == "NotEnoughData"


@pytest.mark.parametrize(
    ("disagreed", "verdict"), [(50, "Pass"), (300, "Fail"), (210, "NotEnoughData")]
)
def test_disagreement_is_judged_in_the_shadow_where_it_is_asked_for(
    disagreed: int, verdict: str
) -> None:
    seen = arms(arm(1000, compared=1000, disagreed=disagreed))
    found = judged(seen, "Shadow", disagreement={"atMost": 20})
    assert found["disagreement"].verdict == verdict
    assert "disagreement" not in judged(seen, "Canary", disagreement={"atMost": 20})
    assert "disagreement" not in judged(seen, "Shadow")


def test_a_gate_can_be_switched_off() -> None:
    assert "errorRate" not in judged(arms(arm(100)), errorRate={"atMost": 100})


@pytest.mark.parametrize("seen", [None, Arms()], ids=["nobody could be asked", "no traffic"])
def test_silence_is_no_verdict(seen: Arms | None) -> None:
    verdicts = {name: one.verdict for name, one in judged(seen).items() if name != "pods"}
    assert set(verdicts.values()) == {"NotEnoughData"}


@pytest.mark.parametrize(
    ("bound", "value", "verdict"),
    [
        ({"at_most": 5.0}, 5.0, "Pass"),
        ({"at_most": 5.0}, 5.1, "Fail"),
        ({"at_least": 5.0}, 5.1, "Pass"),
        ({"at_least": 5.0}, 4.9, "Fail"),
        ({"at_most": 5.0}, None, "NotEnoughData"),
        ({"at_most": 5.0}, float("nan"), "NotEnoughData"),
    ],
)
def test_a_query_is_held_against_its_bound(
    bound: dict[str, float], value: float | None, verdict: str
) -> None:
    query = QueryGate(name="rebooked", promql="x", **bound)
    assert gates.query_gate(query, value).verdict == verdict


@pytest.mark.parametrize(
    ("pods", "verdict"),
    [
        (Pods(2, 2), "Pass"),
        (Pods(2, 1), "NotEnoughData"),
        (Pods(2, 1, restarts=1), "NotEnoughData"),
        (Pods(2, 2, restarts=2), "Fail"),
        (Pods(2, 0, restarts=1, out_of_memory=1), "Fail"),
        (Pods(), "NotEnoughData"),
    ],
    ids=["well", "starting", "one crash", "crash loop", "nobody left", "none yet"],
)
def test_pods(pods: Pods, verdict: str) -> None:
    assert gates.pods_gate(pods, 2).verdict == verdict


def test_one_fail_fails_and_only_all_pass_pass() -> None:
    def of(*verdicts: str) -> str:
        made = [Evidence.model_validate({"gate": "x", "verdict": one}) for one in verdicts]
        return gates.verdict_of(tuple(made))

    assert of("Pass", "NotEnoughData", "Fail") == "Fail"
    assert of("Pass", "NotEnoughData") == "NotEnoughData"
    assert of("Pass", "Pass") == "Pass"
    assert of() == "NotEnoughData"
