"""A bad release, as it looks to the one who made it: `python -m tests.cluster run python -m tests.endurance.replay`.

Prints the commands and what they print; docs/bad-release.md tells the story with it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.e2e.conftest import make_room
from tests.e2e.forward import Forward
from tests.e2e.installed import ensure_platform
from tests.e2e.kubectl import connect
from tests.e2e.load import start_load
from tests.e2e.manifests import endpoint
from tests.e2e.mlflow_view import MLflowView
from tests.e2e.patients import PATIENT
from tests.e2e.room import Room
from tests.e2e.world import MLFLOW, NAMESPACE, World
from tests.endurance.ward import INCOMPLETE

NAME = "progression"
LOAD_SECONDS, PER_SECOND = 60, 100
# The defaults, but for the shadow, which would have found it before any client asked it, and a shorter step.
ROLLOUT: dict[str, Any] = {"shadow": {"requests": 0}, "stepDuration": "10s"}


def main() -> int:
    access = ensure_platform(install=False)
    with (
        connect(access.kubectl, access.environment) as kubectl,
        tempfile.TemporaryDirectory() as folder,
    ):
        server = Forward(kubectl, NAMESPACE, MLFLOW, 5000)
        world = World(kubectl, MLflowView(server))
        with make_room("replay", world, Path(folder)) as room:
            replay(world, room)
        server.close()
    return 0


def replay(world: World, room: Room) -> None:
    """Version 1 is good; 2 answers NaN for patients of whom not everything was measured."""
    model = f"{room.namespace}.{NAME}"
    world.mlflow.log_models(model, "careful", "nan")
    world.mlflow.set_alias(model, "candidate", "1")
    room.apply(
        endpoint(NAME, model, replicas={"min": 2}, rollout=ROLLOUT, allowPickle=True, cpu="200m")
    )
    room.until_served(NAME, "1", within=120)
    room.until_answered(NAME, PATIENT, within=60)
    load = start_load(
        room, NAME, INCOMPLETE, image=world.runtime_image, at_most=LOAD_SECONDS, per_second=PER_SECOND,
    )  # fmt: skip
    time.sleep(5)
    world.mlflow.set_alias(model, "candidate", "2")
    watch(room)
    show(room, "describe", "modelendpoint", NAME)
    told = world.mlflow.version_tags(model, "2")
    print("\n".join(f"{key}: {value}" for key, value in sorted(told.items())))
    print(load.outcome(within=LOAD_SECONDS + 30), flush=True)


def watch(room: Room) -> None:
    """Each line that `kubectl get` prints anew, with the seconds since the alias was set, until the version is refused."""
    began, before = time.monotonic(), ""
    while time.monotonic() - began < LOAD_SECONDS:
        heading, line = room.kubectl(
            "get", "modelendpoint", NAME, "-n", room.namespace
        ).splitlines()
        shown = line.rsplit(maxsplit=1)[0]  # without the age
        if shown != before:
            print(*([heading] if not before else []), sep="\n", end="")
            print(f"{time.monotonic() - began:5.1f} s  {shown.rstrip()}", flush=True)
        before = shown
        rollout = room.status("modelendpoints", NAME)["release"].get("rollout") or {}
        if rollout.get("version") == "2" and rollout["stage"] == "Aborted":
            time.sleep(2)
            return
        time.sleep(0.3)


def show(room: Room, *words: str) -> None:
    print(f"$ kubectl {' '.join(words)}")
    print(room.kubectl(*words, "-n", room.namespace), flush=True)


if __name__ == "__main__":
    sys.exit(main())
