"""An endpoint that hardly anybody asks: a new version is judged by requests that were kept, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.eventually import eventually
from tests.e2e.manifests import endpoint
from tests.e2e.patients import MEASURED
from tests.e2e.room import Room
from tests.e2e.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NAME = "hospice"
# On two cores that do other things besides, latencies of milliseconds say little of a version.
ROLLOUT = {
    "replay": {"requests": 200}, "shadow": {"requests": 60}, "canary": [], "minRequests": 20,
    "gates": {"latency": {"ratio": 10, "quantile": 90}, "errorRate": {"atMost": 5}, "invalid": {"atMost": 5}},
}  # fmt: skip


def patient(number: int) -> dict[str, Any]:
    """Of whom not everything was measured; each another one."""
    measured = [None, *[0.001 * number] * 9]
    return {"dataframe_split": {"columns": list(MEASURED), "data": [measured]}}


def rollout_of(room: Room) -> dict[str, Any]:
    found: dict[str, Any] = room.status("modelendpoints", NAME)["release"].get("rollout") or {}
    return found


def ask(room: Room, number: int) -> None:
    codes = [room.predict(NAME, patient(n)).status_code for n in range(number)]
    assert codes == [200] * number


def test_without_a_client_a_good_version_is_promoted_and_a_bad_one_is_not(
    world: World, room: Room, report: list[str]
) -> None:
    # Given an endpoint that was asked a while ago
    model = f"{room.namespace}.{NAME}"
    assert world.mlflow.log_models(model, "careful", "better", "careless") == ["1", "2", "3"]
    world.mlflow.set_alias(model, "candidate", "1")
    room.apply(endpoint(NAME, model, rollout=ROLLOUT))
    room.until_served(NAME, "1", within=240)
    room.until_version_answers(NAME, patient(0), "1", within=60)
    ask(room, 150)

    # When a good version comes and nobody asks any more, then it is judged by those requests, and promoted
    world.mlflow.set_alias(model, "candidate", "2")
    said = room.until(
        "modelendpoints", NAME, lambda seen: "kept requests were asked again" in seen["summary"],
        within=240, what="to ask kept requests again",
    )["summary"]  # fmt: skip
    room.until_served(NAME, "2", within=120)
    evidence = {one["gate"]: one for one in rollout_of(room)["evidence"]}
    assert {one["verdict"] for one in evidence.values()} == {"Pass"}
    assert 60 <= evidence["errorRate"]["n"] <= 151
    report.append(f"thin traffic: {said}")

    # When a version comes that fails at such requests, then it is refused before a client has met it
    room.until_version_answers(NAME, patient(0), "2", within=60)
    ask(room, 150)
    world.mlflow.set_alias(model, "candidate", "3")
    eventually(lambda: rollout_of(room).get("version") == "3", within=30, what="v3 to be tried")
    eventually(lambda: rollout_of(room)["stage"] == "Aborted", within=240, what="v3 to be refused")
    ended = rollout_of(room)
    assert ended["reason"] == "GateFailed"
    assert "errorRate" in ended["message"]
    assert room.status("modelendpoints", NAME)["served"]["version"] == "2"
