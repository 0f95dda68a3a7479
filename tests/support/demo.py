"""A whole project as a story: from `kubectl apply` to a served model, an edit, and `kubectl delete`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from soloist.control.ports import Cluster, Memory, Ports
from soloist.core.objects import CONFIG_MAP, PROJECT, KindRef, ObjectRef
from soloist.kinds.registry import KINDS
from tests.support.cut import Knife
from tests.support.fake_cluster import FakeCluster
from tests.support.fake_ports import FakeClock, FakeGit, FakeMeter, FakePages
from tests.support.fake_tracking import FakeTracking
from tests.support.player import EVERYTHING, Hands, Player
from tests.support.story import Story, picture

SPEC: Mapping[str, Any] = {
    "source": {"configMap": "code"},
    "pipeline": {
        "steps": [
            {"name": "prepare", "command": "python prepare.py"},
            {"name": "train", "command": "python train.py"},
        ]
    },
    "endpoint": {"replicas": {"min": 2, "max": 5}},
}


class People(Hands, Protocol):
    """What a user does besides."""

    async def add(self, kind: KindRef, body: Mapping[str, Any]) -> None:
        """Create an object."""

    async def edit(self, ref: ObjectRef, changes: Mapping[str, Any]) -> None:
        """Change top-level fields."""


@dataclass
class FakePeople:
    """Users and controllers of a fake cluster."""

    cluster: FakeCluster

    async def add(self, kind: KindRef, body: Mapping[str, Any]) -> None:
        self.cluster.add(kind, body)

    async def edit(self, ref: ObjectRef, changes: Mapping[str, Any]) -> None:
        self.cluster.edit(ref, **changes)

    async def set_status(self, ref: ObjectRef, status: Mapping[str, Any]) -> None:
        self.cluster.edit(ref, status=dict(status))

    async def remove(self, ref: ObjectRef) -> None:
        self.cluster.remove(ref)


class Demo:
    """One project in one namespace; each chapter ends at rest and may be cut."""

    def __init__(self, cluster: Cluster, people: People, namespace: str, clock: FakeClock) -> None:
        self.cluster = cluster
        self.people = people
        self.namespace = namespace
        self.tracking = FakeTracking()
        ports = Ports(cluster, self.tracking, FakeGit(), FakePages(), FakeMeter(), clock, Memory())
        self.player = Player(cluster, people, self.tracking, namespace)
        self.story = Story(KINDS, ports, clock, namespace, self.player.play)

    async def apply(self, knife: Knife | None = None) -> int:
        """The user applies the project; it ends with a served model."""
        await self.people.add(CONFIG_MAP, self._body("code", data={"train.py": "print(1)"}))
        await self.people.add(PROJECT, self._body("flights", spec=SPEC))
        return await self.story.settle(knife)

    async def apply_endless(self, knife: Knife | None = None) -> int:
        """The same, but the code runs on: it ends with a Run under way."""
        self.player.ends_jobs = False
        return await self.apply(knife)

    async def edit(self, knife: Knife | None = None) -> int:
        """The user edits the code; it ends with the next version served."""
        ref = ObjectRef(CONFIG_MAP, self.namespace, "code")
        await self.people.edit(ref, {"data": {"train.py": "print(2)"}})
        return await self.story.settle(knife)

    async def delete(self, knife: Knife | None = None) -> int:
        """The user deletes the project; it ends with nothing but the code and the registered model."""
        await self.people.remove(ObjectRef(PROJECT, self.namespace, "flights"))
        return await self.story.settle(knife)

    async def picture(self) -> dict[str, Any]:
        """The world at rest, MLflow included."""
        found = await picture(self.cluster, EVERYTHING, self.namespace)
        found["MLflow runs"] = sorted(run.status for run in self.tracking.runs.values())
        found["MLflow models"] = {
            name.replace(self.namespace, "(namespace)"): dict(model.aliases)
            for name, model in self.tracking.models.items()
        }
        return found

    def _body(self, name: str, **fields: Any) -> dict[str, Any]:
        return {"metadata": {"name": name, "namespace": self.namespace}, **fields}
