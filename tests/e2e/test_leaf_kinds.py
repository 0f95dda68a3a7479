"""Pipeline and ModelEndpoint by hand, without a Project."""

from __future__ import annotations

import pytest

from tests.cluster.layout import CHECKOUT
from tests.e2e.manifests import code, endpoint, pipeline, step
from tests.e2e.patients import PATIENT
from tests.e2e.room import Room, condition
from tests.e2e.world import World

pytestmark = pytest.mark.timeout(900)

TRAIN = CHECKOUT / "workloads" / "examples" / "minimal" / "train.py"


def test_a_pipeline_and_an_endpoint_work_without_a_project(world: World, room: Room) -> None:
    # Given an endpoint for a model that nobody has made yet
    model = f"{room.namespace}.by-hand"
    room.apply(endpoint("door", model))
    said = room.until_reason("modelendpoints", "door", "NoModel", within=20)
    assert model in said["message"]

    # When a pipeline trains it
    room.apply(code("maker-code", train_py=TRAIN.read_text()))
    room.apply(pipeline("maker", step("train", "python train.py"), model=model))

    # Then the endpoint serves it
    answer = room.until_answered("door", PATIENT, within=180)
    assert answer.headers["x-model-name"] == model
    status = room.until_run("maker-1", "Succeeded", within=30)
    assert status["model"] == {"name": model, "version": "1"}
    ready = room.until(
        "pipelines", "maker", lambda seen: seen.get("model"), within=15, what="to name its model"
    )
    assert condition(ready, "Ready")["status"] == "True"
    world.mlflow.until_aliases(model, {"champion": "1"})
    assert room.all("projects") == []
