"""The endpoint that everything happens to: two good versions in turn, five bad ones, and a load of many requests."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from tests.e2e.eventually import eventually
from tests.e2e.load import Load, start_load
from tests.e2e.manifests import endpoint
from tests.e2e.patients import MEASURED, PATIENT
from tests.e2e.room import Room
from tests.e2e.world import World

NAME = "ward"
VICES = ("raises", "slow", "nan", "exits", "eats")
REQUESTS = int(os.environ.get("REQUESTS", "60000"))
PER_SECOND = int(os.environ.get("PER_SECOND", "500"))
# Of whom not everything was measured: the bad versions are bad to such patients.
INCOMPLETE: dict[str, Any] = {
    "dataframe_split": {"columns": list(MEASURED), "data": [[None, *[0.01] * 9]]}
}
# The defaults, but steps of seconds: what is shown is that nobody notices, not that the steps are long.
ROLLOUT: dict[str, Any] = {
    "shadow": {"requests": 0}, "canary": [10, 50], "stepDuration": "5s", "gates": {"latency": {"ratio": 5}},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ward:
    """The endpoint, in a room of its own."""

    world: World
    room: Room

    @property
    def model(self) -> str:
        return f"{self.room.namespace}.{NAME}"

    def apply(self, *, pods: int = 2, memory: str = "512Mi") -> None:
        """The manifest, as its owner edits it."""
        self.room.apply(
            endpoint(
                NAME, self.model, replicas={"min": pods}, memory=memory, rollout=ROLLOUT,
                allowPickle=True, cpu="200m",
            )
        )  # fmt: skip

    def load(self) -> Load:
        """So many requests at so many a second, on their way."""
        return start_load(
            self.room, NAME, INCOMPLETE, image=self.world.runtime_image,
            at_most=REQUESTS / PER_SECOND, per_second=PER_SECOND,
        )  # fmt: skip

    def champion(self) -> str:
        return str(self.status()["served"]["version"])

    def other(self) -> str:
        """The good version that isn't served."""
        return "2" if self.champion() == "1" else "1"

    def status(self) -> dict[str, Any]:
        return self.room.status("modelendpoints", NAME)

    def rollout(self) -> dict[str, Any]:
        found: dict[str, Any] = self.status()["release"].get("rollout") or {}
        return found

    def annotate(self, word: str, version: str) -> None:
        """What a person asks for by hand; said again if it was said before."""
        where = ("annotate", f"modelendpoint/{NAME}", "-n", self.room.namespace)
        self.room.kubectl(*where, f"soloist.dev/{word}-")
        # Level, not edge: taken off and put on between two looks, it is the old wish.
        eventually(
            lambda: word not in (self.status()["release"].get("answered") or {}),
            within=15, what=f"{word} to be forgotten",
        )  # fmt: skip
        self.room.kubectl(*where, "--overwrite", f"soloist.dev/{word}={version}")

    def until_champion(self, version: str, *, within: float) -> None:
        eventually(lambda: self.champion() == version, within=within, what=f"v{version} to serve")

    def until_refused(self, version: str, *, since: str | None) -> None:
        """Once more: `since` is what the rollout before said, which may have been of the same version."""

        def refused() -> bool:
            rollout = self.rollout()
            ended = (rollout.get("version"), rollout.get("stage")) == (version, "Aborted")
            return ended and rollout.get("since") != since

        eventually(
            refused, within=90, what=f"v{version} to be refused", last=lambda: str(self.rollout())
        )

    def until_pods(self, number: int, *, within: float) -> None:
        """The champion has exactly so many pods, all ready."""

        def settled() -> bool:
            pods = self.room.servers_of(NAME, self.champion())
            return len(pods) == number and self.status().get("readyReplicas") == number

        eventually(settled, within=within, what=f"{number} ready pods")


def open_ward(world: World, room: Room) -> Ward:
    """Version 2 is served by two pods, and 1 was before it; 3 to 7 are bad."""
    ward = Ward(world, room)
    versions = world.mlflow.log_models(ward.model, "careful", "better", *VICES)
    assert versions == [str(number) for number in range(1, 3 + len(VICES))]
    world.mlflow.set_alias(ward.model, "candidate", "1")
    ward.apply()
    room.until_served(NAME, "1", within=120)
    room.until_answered(NAME, PATIENT, within=60)
    ward.annotate("promote", "2")
    ward.until_champion("2", within=60)
    return ward
