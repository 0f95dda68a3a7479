"""The least a user can write, and what her commands see."""

from __future__ import annotations

import json

import pytest

from tests.cluster.layout import CHECKOUT
from tests.e2e.manifests import code, project, step
from tests.e2e.patients import PATIENT
from tests.e2e.room import Room
from tests.e2e.world import World, seconds_between

pytestmark = pytest.mark.timeout(900)

MINIMAL = CHECKOUT / "workloads" / "examples" / "minimal"
# Writes what the command sees, and waits for its sibling: they can only both end if they run at the same time.
SIBLING = """
import json, os, pathlib, sys, time
me, other = sys.argv[1:]
here = pathlib.Path(os.environ["SOLOIST_RUN_STORAGE"])
(here / me).touch()
deadline = time.time() + 60
while not (here / other).exists():
    assert time.time() < deadline, "the sibling never ran"
    time.sleep(0.1)
seen = {name: os.environ.get(name) for name in ("PARAM_DEPTH", "SOLOIST_PARAMS", "COLOUR", "CITY")}
seen["backwards"] = os.environ["TOKEN"][::-1]  # a log may not show it either
print(json.dumps(seen))
"""


def test_the_smallest_project_serves_its_model(world: World, room: Room) -> None:
    # Given one step and all defaults, when it is applied
    room.apply_folder(MINIMAL)

    # Then its model answers
    answer = room.until_answered("minimal", PATIENT, within=180)
    assert 50 < float(answer.json()["predictions"][0]) < 350
    assert answer.headers["x-model-name"] == f"{room.namespace}.minimal"
    # and the Ray cluster goes soon after the Run's end
    end = room.until_run("minimal-1", "Succeeded", within=60)["endTime"]
    room.until(
        "projects", "minimal", lambda seen: not room.all("rayclusters"), within=30,
        what="to have no Ray cluster any more",
    )  # fmt: skip
    assert end
    # and the Open Inference Protocol is spoken, too
    where = room.kubectl.service(room.namespace, "minimal")
    ready = json.loads(
        room.kubectl("get", "--raw", f"{where.removeprefix(room.kubectl.server)}/v2")
    )
    assert "name" in ready


def test_steps_run_side_by_side_and_see_parameters_and_environment(
    world: World, room: Room
) -> None:
    # Given two steps that need not wait for each other, and can't end without each other
    room.apply(
        code("pair", sibling_py=SIBLING),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "vault"},
            "stringData": {"token": "s3cret"},
        },
    )
    left = step(
        "left",
        "python sibling.py left right",
        params={"depth": 3, "fast": True},
        env={"COLOUR": "blue"},
    )
    right = step("right", "python sibling.py right left", after=[])
    environment = [
        {"name": "CITY", "value": "Ghent"},
        {"name": "TOKEN", "secret": {"name": "vault", "key": "token"}},
    ]

    # When they run
    room.apply(project("pair", left, right, source={"configMap": "pair"}, env=environment))
    status = room.until_run("pair-1", "Succeeded", within=180)

    # Then they overlapped, and each saw what was meant for it
    first, second = status["steps"]
    assert seconds_between(second["startTime"], first["endTime"]) >= 0
    assert seconds_between(first["startTime"], second["endTime"]) >= 0
    seen = _printed(world, status["mlflowRunId"], "left")
    assert seen["PARAM_DEPTH"] == "3"
    assert json.loads(seen["SOLOIST_PARAMS"]) == {"depth": 3, "fast": True}
    assert (seen["COLOUR"], seen["CITY"], seen["backwards"]) == ("blue", "Ghent", "terc3s")
    assert _printed(world, status["mlflowRunId"], "right")["COLOUR"] is None
    assert world.mlflow.params(status["mlflowRunId"])["depth"] == "3"
    # and the secret is in no object
    for kind in ("projects", "pipelines", "runs", "rayclusters", "rayjobs"):
        assert "s3cret" not in room.kubectl("get", kind, "-n", room.namespace, "-o", "json")
    # and a project without an endpoint is done
    assert room.until(
        "projects", "pair", lambda seen: seen.get("stage") == "Done", within=20, what="to be Done"
    )


def _printed(world: World, run_id: str, name: str) -> dict[str, str]:
    log = world.mlflow.artifact(run_id, f"logs/{name}-1.log")
    found: dict[str, str] = json.loads(log.strip().splitlines()[-1])
    return found
