"""An operator that is killed after its k-th write, wherever that write goes."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any

from soloist.control.ports import Cluster, Ports, Tracking
from soloist.core.effects import Effect, RegisteredModel, TrackedRun
from soloist.core.metric import LoggedMetric
from soloist.core.objects import KindRef, Manifest, ObjectRef


class Killed(BaseException):
    """Not an Exception: no `except` of the loop may catch it, as none catches SIGKILL."""


class Knife:
    """Counts writes; the one at `cut` is carried out, and then the process is dead."""

    def __init__(self, cut: int | None = None) -> None:
        self.writes = 0
        self._cut = cut

    async def after(self, write: Awaitable[None]) -> None:
        await write
        self.writes += 1
        if self.writes == self._cut:
            raise Killed


class CutCluster:
    """A cluster whose writes meet the knife."""

    def __init__(self, cluster: Cluster, knife: Knife) -> None:
        self._cluster = cluster
        self._knife = knife

    async def get(self, ref: ObjectRef) -> Manifest | None:
        return await self._cluster.get(ref)

    async def is_there(self, ref: ObjectRef) -> bool:
        return await self._cluster.is_there(ref)

    async def list(
        self, kind: KindRef, namespace: str | None, labels: Mapping[str, str]
    ) -> tuple[Manifest, ...]:
        return await self._cluster.list(kind, namespace, labels)

    async def log_tail(self, namespace: str, pod: str, container: str, lines: int) -> str:
        return await self._cluster.log_tail(namespace, pod, container, lines)

    async def create(self, ref: ObjectRef, manifest: Manifest) -> None:
        await self._knife.after(self._cluster.create(ref, manifest))

    async def apply(self, ref: ObjectRef, manifest: Manifest, uid: str) -> None:
        await self._knife.after(self._cluster.apply(ref, manifest, uid))

    async def delete(self, ref: ObjectRef, uid: str) -> None:
        await self._knife.after(self._cluster.delete(ref, uid))

    async def apply_status(self, ref: ObjectRef, uid: str, status: Mapping[str, Any]) -> None:
        await self._knife.after(self._cluster.apply_status(ref, uid, status))

    async def set_finalizers(
        self, ref: ObjectRef, version: str, finalizers: tuple[str, ...]
    ) -> None:
        await self._knife.after(self._cluster.set_finalizers(ref, version, finalizers))


class CutTracking:
    """A tracking server whose effects meet the knife."""

    def __init__(self, tracking: Tracking, knife: Knife) -> None:
        self._tracking = tracking
        self._knife = knife

    async def find_run(self, experiment: str, uid: str) -> TrackedRun | None:
        return await self._tracking.find_run(experiment, uid)

    async def find_model(self, name: str, versions: tuple[str, ...] = ()) -> RegisteredModel | None:
        return await self._tracking.find_model(name, versions)

    async def find_metric(self, model: str, version: str, metric: str) -> LoggedMetric | None:
        return await self._tracking.find_metric(model, version, metric)

    async def perform(self, effect: Effect) -> None:
        await self._knife.after(self._tracking.perform(effect))


def cut(ports: Ports, knife: Knife) -> Ports:
    """The same world, reached through the knife."""
    return replace(
        ports,
        cluster=CutCluster(ports.cluster, knife),
        tracking=CutTracking(ports.tracking, knife),
    )
