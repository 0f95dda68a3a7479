"""A set of files, scored by the version that is served: the table and the endpoint say the same, to the bit."""

from __future__ import annotations

import json

import pytest

from tests.e2e.kubectl import Manifest
from tests.e2e.manifests import endpoint
from tests.e2e.on_volume import run_on_volume, volume
from tests.e2e.patients import MEASURED, PATIENT
from tests.e2e.room import Room
from tests.e2e.world import World

pytestmark = pytest.mark.timeout(900)

NAME = "clinic"
CLAIM = "files"
ROWS = 30
# Writes a set of patients: one of them has text where a number belongs.
WRITE = f"""
import csv, os, pathlib, random
random.seed(1)
folder = pathlib.Path(os.environ["SOLOIST_STORAGE"]) / "patients/new"
folder.mkdir(parents=True, exist_ok=True)
with (folder / "monday.csv").open("w", newline="") as file:
    rows = csv.writer(file)
    rows.writerow({list(MEASURED)!r})
    for number in range({ROWS}):
        rows.writerow([random.gauss(0, 0.05) for _ in {list(MEASURED)!r}])
    rows.writerow(["high", *[0.01] * {len(MEASURED) - 1}])
"""
# Prints what was scored, and in the last line how many and what was refused.
READ = """
import csv, json, os, pathlib
folder = pathlib.Path(os.environ["SOLOIST_STORAGE"]) / "patients/scored"
def rows(name):
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))
scored, refused = rows("monday-00000.csv"), rows("_refused/monday-00000.csv")
for row in scored:
    print(json.dumps(row))
print(json.dumps({"scored": len(scored), "refused": [row["refused_because"] for row in refused]}))
"""


def test_a_set_is_scored_as_the_endpoint_answers_and_again_for_the_next_version(
    world: World, room: Room
) -> None:
    # Given a served model, and a volume with a set of patients
    model = f"{room.namespace}.{NAME}"
    assert world.mlflow.log_models(model, "careful", "better") == ["1", "2"]
    world.mlflow.set_alias(model, "candidate", "1")
    room.apply(volume(CLAIM))
    run_on_volume(room, "writer", WRITE, image=world.runtime_image, claim=CLAIM)

    # When the endpoint names the set
    batch = {
        "input": "patients/new", "output": "patients/scored", "storage": {"claim": CLAIM}, "cpu": "300m",
    }  # fmt: skip
    room.apply(endpoint(NAME, model, batch=batch))
    room.until_served(NAME, "1", within=180)
    told = until_scored(room, "1")

    # Then it tells how it went, and each row has the endpoint's own answer
    assert (told["rows"], told["refused"], told["output"]) == (ROWS, 1, "patients/scored")
    assert told["run"] == f"{NAME}-batch-1"
    first = read_scored(world, room, 1)
    assert len(first) == ROWS
    for row in first[:5]:
        measured = [float(row[name]) for name in MEASURED]
        asked = {"dataframe_split": {"columns": list(MEASURED), "data": [measured]}}
        answer = room.until_answered(NAME, asked, within=30)
        assert repr(answer.json()["predictions"][0]) == row["prediction"]

    # And when the next version is served, the set is scored by it
    world.mlflow.set_alias(model, "candidate", "2")
    room.until_served(NAME, "2", within=180)
    assert until_scored(room, "2")["run"] == f"{NAME}-batch-2"
    assert [row["prediction"] for row in read_scored(world, room, 2)] != [
        row["prediction"] for row in first
    ]

    # And without the set, its Pipeline goes, the results stay, and the model is served on
    room.apply(endpoint(NAME, model))
    room.until(
        "modelendpoints", NAME, lambda seen: "batch" not in seen, within=60, what="to score no more"
    )
    assert room.get("pipelines", f"{NAME}-batch") is None
    room.until_answered(NAME, PATIENT, within=30)
    assert read_scored(world, room, 3)


def until_scored(room: Room, version: str) -> Manifest:
    status = room.until(
        "modelendpoints",
        NAME,
        lambda seen: (
            (seen.get("batch") or {}).get("version") == version
            and seen["batch"].get("phase") == "Succeeded"
        ),
        within=300,
        what=f"to have scored with v{version}",
    )
    found: Manifest = status["batch"]
    return found


def read_scored(world: World, room: Room, number: int) -> list[dict[str, str]]:
    """The newest rows of the result."""
    log = run_on_volume(room, f"reader-{number}", READ, image=world.runtime_image, claim=CLAIM)
    lines = [line for line in log.splitlines() if line.startswith("{")]
    total = json.loads(lines[-1])
    assert total["scored"] == ROWS
    assert len(total["refused"]) == 1
    assert "age must be double" in total["refused"][0]
    return [json.loads(line) for line in lines[:-1]]
