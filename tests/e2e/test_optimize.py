"""An endpoint that answers from a graph where that was proved, and says why where it wasn't."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.eventually import eventually
from tests.e2e.manifests import endpoint
from tests.e2e.patients import PATIENT
from tests.e2e.room import Room
from tests.e2e.world import World

pytestmark = pytest.mark.timeout(600)

NAME = "quick"


def optimized(room: Room) -> dict[str, Any]:
    return room.status("modelendpoints", NAME).get("optimized") or {}


def summary(room: Room) -> str:
    return str(room.status("modelendpoints", NAME)["summary"])


def test_a_graph_is_taken_once_there_are_rows_to_compare_it_on(
    world: World, room: Room, report: list[str]
) -> None:
    model = f"{room.namespace}.{NAME}"

    # Given a model without held-out rows, when its endpoint shall answer from a graph
    assert world.mlflow.log_models(model, "careful", "proved") == ["1", "2"]
    world.mlflow.set_alias(model, "candidate", "1")
    room.apply(endpoint(NAME, model, optimize="onnx"))
    before = room.until_answered(NAME, PATIENT, within=240)

    # then the model itself answers, and status says what is missing
    eventually(lambda: optimized(room).get("taken") is False, within=60, what="the verdict on v1")
    assert "parity_rows.parquet" in optimized(room)["message"]
    eventually(
        lambda: "Not optimized (onnx)" in summary(room), within=60, what="the summary to say so"
    )

    # When a version with rows comes, then its graph answers the same
    world.mlflow.set_alias(model, "candidate", "2")
    room.until_served(NAME, "2", within=240)
    eventually(lambda: optimized(room).get("taken") is True, within=60, what="the verdict on v2")
    assert optimized(room)["rows"] == 442
    after = room.until_answered(NAME, PATIENT, within=60)
    predictions = [answer.json()["predictions"] for answer in (before, after)]
    assert predictions[1] == pytest.approx(predictions[0], rel=1e-5)
    assert "Not optimized" not in summary(room)
    report.append(f"endpoint: {optimized(room)['message']}")
