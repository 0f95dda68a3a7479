"""What the columns of `kubectl get modelendpoints` say of a rollout."""

from __future__ import annotations

from typing import Any

import pytest

from soloist.api.v1alpha1.rollout_status import Evidence, RolloutRecord, RolloutStatus
from soloist.kinds.modelendpoint import shown
from soloist.rollout.gates import rate_gate
from soloist.rollout.sequential import Count

PODS = Evidence(gate="pods", verdict="Pass", message="0 crashes, 2 of 2 pods ready")
LATENCY = Evidence(gate="latency", verdict="Pass", message="p99 4 ms")
FAILED = rate_gate("errorRate", Count(60, 100), Count(1, 900), 0.01, 100)


def record(stage: str, *evidence: Evidence, weight: int = 0) -> RolloutRecord:
    told: dict[str, Any] = {"version": "5", "stage": stage, "since": "2026-11-23T03:00:00Z"}
    return RolloutRecord(rollout=RolloutStatus(**told, weight=weight, evidence=list(evidence)))


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (RolloutRecord(), None),
        (record("Deploying"), "v5 Deploying"),
        (record("Shadow"), "v5 Shadow"),
        (record("Canary", weight=10), "v5 Canary 10 %"),
        (record("Paused", weight=50), "v5 Paused 50 %"),
        (record("Promoted", weight=100), None),
        (record("Aborted"), None),
    ],
)
def test_a_rollout_under_way_shows_its_stage_and_weight(
    seen: RolloutRecord, line: str | None
) -> None:
    assert shown.rollout(seen) == line


def test_the_gravest_verdict_shows_with_all_its_numbers() -> None:
    line = shown.last_verdict(record("Aborted", PODS, LATENCY, FAILED))
    assert line == "v5 Fail: errorRate 60 % (n=100) against 0.111 % (n=900), tolerated 1 %"


def test_what_lacks_data_goes_before_what_passed() -> None:
    thin = rate_gate("invalid", Count(0, 0), Count(0, 0), 0.01, 100)
    assert shown.last_verdict(record("Canary", LATENCY, thin)) == (
        "v5 NotEnoughData: invalid no requests yet"
    )


def test_of_gates_that_passed_the_answers_go_before_the_pods() -> None:
    assert shown.last_verdict(record("Promoted", PODS, LATENCY)) == "v5 Pass: latency p99 4 ms"
    assert shown.last_verdict(record("Deploying", PODS)) == f"v5 Pass: pods {PODS.message}"


def test_nothing_was_judged() -> None:
    assert shown.last_verdict(RolloutRecord()) is None
    assert shown.last_verdict(record("Promoted")) is None
