"""Every part of the platform is killed once at a random moment of a run; it still ends in a served model, made once."""

from __future__ import annotations

import functools
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.eventually import eventually, moment
from tests.e2e.kubectl import Manifest
from tests.e2e.patients import PATIENT
from tests.e2e.room import Room
from tests.e2e.world import MLFLOW, POSTGRES, World

pytestmark = [pytest.mark.alone, pytest.mark.last, pytest.mark.timeout(900)]

DIABETES = Path(__file__).with_name("projects") / "diabetes"
NAME = "diabetes"
# About as long as an undisturbed run takes.
SPAN = 30.0
SEED = int(os.environ.get("SOLOIST_CHAOS_SEED", "3"))


def test_a_run_survives_the_loss_of_every_part_once(
    world: World, room: Room, report: list[str]
) -> None:
    # Given the moments at which each part will be killed
    chance = random.Random(SEED)
    victims = ["operator", "kuberay", "mlflow", "postgresql", "head"]
    moments = sorted((chance.uniform(2, SPAN), victim) for victim in victims)

    # When a project is applied and they come
    began = time.monotonic()
    room.apply_folder(DIABETES)
    for offset, victim in moments:
        moment(began + offset)
        kill = functools.partial(_kill, world, room, victim)
        pod = eventually(kill, within=90, what=f"a {victim} to kill")
        report.append(f"chaos (seed {SEED}): {time.monotonic() - began:5.1f} s killed {pod}")

    # Then it is served all the same
    status = room.until_run(f"{NAME}-1", "Succeeded", within=240)
    room.until_answered(NAME, PATIENT, within=90)
    report.append(f"chaos (seed {SEED}): served after {time.monotonic() - began:.0f} s")
    eventually(world.is_whole, within=90, what="the platform to be whole again", last=world.story)

    # and nothing was done twice, and nothing is lost
    model = f"{room.namespace}.{NAME}"
    assert len(room.runs()) == 1
    assert [one["version"] for one in world.mlflow.versions(model)] == ["1"]
    world.mlflow.until_aliases(model, {"champion": "1"})
    runs = world.mlflow.runs(f"{room.namespace}/{NAME}")
    assert [run["info"]["status"] for run in runs] == ["FINISHED"]
    assert "mae" in world.mlflow.metrics(status["mlflowRunId"])
    _worked_once(world, status["mlflowRunId"], report)
    eventually(lambda: not room.all("rayclusters"), within=30, what="the Ray cluster to be gone")


def _kill(world: World, room: Room, victim: str) -> str:
    """The name of the pod that was killed; empty while there is none."""
    find: dict[str, Callable[[], list[str]]] = {
        "operator": lambda: [world.leader()],
        "kuberay": lambda: _names(world.kubectl.all("pods", world.kuberay_namespace)),
        "mlflow": lambda: _names(world.pods_like(MLFLOW)),
        "postgresql": lambda: _names(world.pods_like(POSTGRES)),
        "head": lambda: _names(room.all("pods", "ray.io/node-type=head")),
    }
    names = find[victim]()
    if not names or not names[0]:
        return ""
    where = {"kuberay": world.kuberay_namespace, "head": room.namespace}.get(
        victim, world.namespace
    )
    world.kill(names[0], where)
    return names[0]


def _names(pods: list[Manifest]) -> list[str]:
    return [str(pod["metadata"]["name"]) for pod in pods]


def _worked_once(world: World, run_id: str, report: list[str]) -> None:
    """A step that had ended was not run again; one that was cut off was."""
    marks = world.mlflow.artifact(run_id, "marks.txt").strip().splitlines()
    report.extend(f"  {mark}" for mark in marks)
    counted = Counter((step, word) for step, _, word, _ in (mark.split() for mark in marks))
    assert counted["prepare", "ends"] == 1
    assert counted["train", "ends"] >= 1
    assert counted["prepare", "begins"] + counted["train", "begins"] <= 3, (
        "only the head's loss costs a try"
    )
