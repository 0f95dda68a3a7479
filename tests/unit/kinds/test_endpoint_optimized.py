"""What became of `optimize`, from the last words of the served version's pods."""

from __future__ import annotations

import json
from typing import Any

import pytest

from soloist.api.v1alpha1.modelendpoint import ModelEndpointStatus, Optimized
from soloist.kinds.modelendpoint.optimized import fetch_resources, remark, report
from tests.support.kinds import an_endpoint, endpoint_facts
from tests.unit.kinds.test_endpoint_policy import pin, serving

TAKEN = {"form": "onnx", "taken": True, "rows": 150, "message": "Answers from an ONNX graph."}
REFUSED = {"form": "onnx", "taken": False, "rows": 0, "message": "No rows."}


def pod(said: Any, *, exit_code: int = 0) -> dict[str, Any]:
    message = said if isinstance(said, str) else f"soloist-optimized: {json.dumps(said)}"
    ended = {"state": {"terminated": {"exitCode": exit_code, "message": message}}}
    return {"metadata": {"name": "p"}, "status": {"initContainerStatuses": [ended]}}


def told(
    *pods: dict[str, Any], before: dict[str, Any] | None = None, now: int = 1
) -> Optimized | None:
    known = {"optimized": before} if before is not None else {}
    endpoint = an_endpoint({**serving(1), **known}, optimize="onnx")
    versions = ModelEndpointStatus.model_validate({"served": pin(now)})
    return report(endpoint, versions, endpoint_facts(pods={str(now): pods}))


def test_the_pods_tell() -> None:
    assert told(pod(TAKEN)) == Optimized(**TAKEN)
    assert told(pod(TAKEN), pod(REFUSED)) == told(pod(REFUSED), pod(TAKEN)) == Optimized(**REFUSED)


@pytest.mark.parametrize(
    "other",
    [
        {"metadata": {"name": "p"}},
        pod(TAKEN, exit_code=1),
        pod("MLflow does not answer."),
        pod("soloist-optimized: {"),
        pod({"form": "tensorrt", "taken": True, "message": ""}),
    ],
    ids=["has not begun", "failed", "other words", "torn", "another release"],
)
def test_who_says_nothing_of_it_changes_nothing(other: dict[str, Any]) -> None:
    assert told(other) is None
    assert told(other, before=TAKEN) == Optimized(**TAKEN)
    assert told(other, pod(REFUSED), before=TAKEN) == Optimized(**REFUSED)


def test_what_was_said_of_another_version_goes() -> None:
    assert told(before=TAKEN, now=2) is None


def test_an_endpoint_that_asks_for_nothing_says_nothing() -> None:
    endpoint = an_endpoint({**serving(1), "optimized": TAKEN})
    facts = endpoint_facts(pods={"1": (pod(TAKEN),)})
    assert report(endpoint, endpoint.status, facts) is None


def test_only_a_refusal_is_worth_a_sentence() -> None:
    assert remark(None) == remark(Optimized(**TAKEN)) == ""
    assert remark(Optimized(**REFUSED)).endswith("the model itself answers: No rows.")


@pytest.mark.parametrize(
    ("spec", "memory"),
    [({}, "512Mi"), ({"optimize": "onnx"}, "1Gi"), ({"optimize": "onnx", "memory": "64Mi"}, "512Mi")],
    ids=["off", "on", "on, with little memory"],
)  # fmt: skip
def test_who_converts_has_the_servers_memory(spec: dict[str, Any], memory: str) -> None:
    found = fetch_resources(an_endpoint(serving(1), **spec))
    assert found["limits"] == {"memory": memory}
    assert found["requests"]["memory"] == memory
