"""The example on real data, end to end: apply, predict, edit, apply again under load."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cluster.layout import CHECKOUT
from tests.e2e.eventually import eventually
from tests.e2e.kubectl import Manifest
from tests.e2e.load import start_load
from tests.e2e.room import Room, condition
from tests.e2e.world import World, moment_of

pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]

EXAMPLE = CHECKOUT / "workloads" / "examples" / "flight-delays"
NAME = "flight-delays"
WARM_SECONDS = 75
FLIGHT: dict[str, Any] = {
    "dataframe_records": [
        {
            "carrier": "UA", "origin": "EWR", "dest": "SFO", "distance": 2565.0, "weekday": 4.0,
            "departure_minute": 1050.0, "scheduled_minutes": 200.0, "plane_year": 2006.0, "seats": 191.0,
            "engines": 2.0, "temp": 64.0, "dewp": 50.0, "humid": 60.0, "wind_dir": 270.0, "wind_speed": 10.4,
            "wind_gust": 20.0, "precip": 0.0, "pressure": 1012.0, "visib": 10.0,
        }
    ]
}  # fmt: skip


def test_the_example_goes_from_apply_to_a_prediction_and_an_edit_is_served_without_a_failed_request(
    world: World, room: Room, report: list[str]
) -> None:
    # Given a user's copy of the example
    folder = room.copy(EXAMPLE)

    # When she applies it
    applied = datetime.now(UTC)
    began = time.monotonic()
    room.apply_folder(folder)
    answer = room.until_answered(NAME, FLIGHT, within=240)
    took = time.monotonic() - began

    # Then there is a prediction, soon, and the way there can be told
    assert _is_a_delay(answer.json())
    assert answer.headers["x-model-version"] == "1"
    report.extend(_breakdown(world, room, applied, took))
    _tells_its_story(room)
    _tells_what_it_takes(room)
    _leaves_its_evidence(world, room)
    eventually(lambda: not room.all("rayclusters"), within=30, what="the Ray cluster to be gone")

    # When she edits train.py and applies again, while clients ask
    load = start_load(room, NAME, FLIGHT, image=world.runtime_image, until_version="2", at_most=280)
    _edit(folder / "train.py", r'"PARAM_LEAVES", "\d+"', '"PARAM_LEAVES", "15"')
    room.apply_folder(folder)

    # Then a new Run makes a new version, and no request fails on the way
    room.until_run(f"{NAME}-2", "Succeeded", within=150)
    room.until_served(NAME, "2", within=60)
    outcome = load.outcome(within=300)
    report.append(f"load while rolling: {outcome}")
    assert outcome.failed == 0, outcome.failures
    assert set(outcome.versions) == {"1", "2"}
    assert len(room.runs()) == 2
    model = f"{room.namespace}.{NAME}"
    world.mlflow.until_aliases(model, {"champion": "2", "previous": "1"})
    assert took <= WARM_SECONDS, f"{took:.0f} s to the first prediction"


def _edit(path: Path, pattern: str, text: str) -> None:
    before = path.read_text()
    path.write_text(re.sub(pattern, text, before))
    assert path.read_text() != before, f"{path.name} has nothing like {pattern} any more"


def _is_a_delay(answered: dict[str, Any]) -> bool:
    (delay,) = answered["predictions"]
    return -60 < float(delay) < 600


def _tells_its_story(room: Room) -> None:
    """What `kubectl get` and `kubectl describe` show."""
    status = room.until(
        "projects", NAME, lambda seen: (seen.get("lastRun") or {}).get("phase") == "Succeeded"
        and seen.get("stage") == "Serving",
        within=30, what="to tell of its finished Run and its endpoint",
    )  # fmt: skip
    assert status["modelName"] == f"{NAME} v1"
    assert status["url"] == f"http://{NAME}.{room.namespace}.svc/invocations"
    row = room.kubectl("get", "projects", "-n", room.namespace, "--no-headers").split()
    assert row[:4] == [NAME, "Serving", NAME, "v1"]
    run = room.status("runs", f"{NAME}-1")
    assert run["progress"] == "2/2"
    assert run["metrics"]["mae"] < run["metrics"]["baseline_mae"]
    assert condition(run, "Ready")["status"] == "True"
    for kind in ("pipelines", "runs", "modelendpoints"):
        assert NAME in room.kubectl("get", kind, "-n", room.namespace)


def _tells_what_it_takes(room: Room) -> None:
    """The endpoint's document has the author's example in every form, and every form is answered."""
    where = room.kubectl.service(room.namespace, NAME)
    document = httpx.get(f"{where}/openapi.json", timeout=20).json()
    assert document["info"]["version"] == "1"
    assert "input example" in document["info"]["description"]
    shown = [column["name"] for column in document["x-soloist-columns"]]
    assert sorted(shown) == sorted(FLIGHT["dataframe_records"][0])
    content = document["paths"]["/invocations"]["post"]["requestBody"]["content"]
    examples = content["application/json"]["examples"]
    assert len(examples) == 4
    for form, example in examples.items():
        answer = room.predict(NAME, example["value"])
        assert answer.status_code == 200, (form, answer.text)
    page = httpx.get(f"{where}/docs", timeout=20)
    assert page.headers["content-type"].startswith("text/html")


def _leaves_its_evidence(world: World, room: Room) -> None:
    """What MLflow keeps: parameters, metrics, logs, the version and its alias."""
    run_id = room.status("runs", f"{NAME}-1")["mlflowRunId"]
    tracked = world.mlflow.run(run_id)
    assert tracked["info"]["status"] == "FINISHED"
    assert world.mlflow.params(run_id)["rounds"] == "200"
    assert {"mae", "rmse", "baseline_mae"} <= set(world.mlflow.metrics(run_id))
    logs = world.mlflow.artifacts(run_id, "logs")
    assert logs == ["logs/prepare-1.log", "logs/train-1.log"]
    assert "flights arrived" in world.mlflow.artifact(run_id, "logs/prepare-1.log")
    model = f"{room.namespace}.{NAME}"
    assert [one["version"] for one in world.mlflow.versions(model)] == ["1"]
    world.mlflow.until_aliases(model, {"champion": "1"})


def _breakdown(world: World, room: Room, applied: datetime, took: float) -> list[str]:
    """Where the time went, from what the objects say (whole seconds)."""
    status = room.status("runs", f"{NAME}-1")
    steps = {step["name"]: step for step in status["steps"]}
    run = room.get("runs", f"{NAME}-1")
    assert run is not None
    marks = [
        ("run made", run["metadata"]["creationTimestamp"]),
        ("Ray cluster ready, prepare starts", steps["prepare"]["startTime"]),
        ("prepare done", steps["prepare"]["endTime"]),
        ("train starts", steps["train"]["startTime"]),
        ("train done", steps["train"]["endTime"]),
        ("registered", _registered(world, room)),
        *_pod_marks(room),
    ]
    lines = [f"flight-delays: {took:.1f} s from apply to prediction (limit {WARM_SECONDS})"]
    for what, when in marks:
        lines.append(f"  {(moment_of(when) - applied).total_seconds():6.1f} s  {what}")
    return lines


def _registered(world: World, room: Room) -> str:
    (version,) = world.mlflow.versions(f"{room.namespace}.{NAME}")
    return datetime.fromtimestamp(int(version["creation_timestamp"]) / 1000, UTC).isoformat()


def _pod_marks(room: Room) -> list[tuple[str, str]]:
    pods = room.servers_of(NAME)
    first: Manifest = min(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    conditions = {one["type"]: one["lastTransitionTime"] for one in first["status"]["conditions"]}
    return [
        ("serving pod made", first["metadata"]["creationTimestamp"]),
        ("model fetched", conditions["Initialized"]),
        ("serving pod ready", conditions["Ready"]),
    ]
