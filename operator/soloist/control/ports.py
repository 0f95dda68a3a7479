"""What the loop needs from the world, said by the loop: small Protocols that the adapters (and the fakes) implement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from soloist.control.doorbell import Doorbell
from soloist.core.effects import RegisteredModel, TrackedRun, TrackingEffect
from soloist.core.metric import LoggedMetric
from soloist.core.objects import KindRef, Manifest, ObjectRef


class ClusterError(Exception):
    """A request that the API server answered with an error, in words: what, where, why."""

    def __init__(self, message: str, *, code: int, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        """HTTP status."""
        self.reason = reason
        """Kubernetes' own word, such as `AlreadyExists`, `Forbidden`, `Conflict`."""


class KindMissing(Exception):
    """The API server does not know the kind (its CRD is not installed)."""


class NotLeading(Exception):
    """A write was about to be made by a process that may not write (any more): it has to end."""


class Unreachable(Exception):
    """A system outside the cluster did not answer, or answered with an error. `reason` is a condition reason."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Cluster(Protocol):
    """The Kubernetes API."""

    async def get(self, ref: ObjectRef) -> Manifest | None:
        """The object, or None. Raises KindMissing, ClusterError."""

    async def is_there(self, ref: ObjectRef) -> bool:
        """Whether the object exists; its content never leaves the API server. Raises KindMissing, ClusterError."""

    async def list(
        self, kind: KindRef, namespace: str | None, labels: Mapping[str, str]
    ) -> tuple[Manifest, ...]:
        """The objects with these labels (every namespace for None). Raises KindMissing, ClusterError."""

    async def log_tail(self, namespace: str, pod: str, container: str, lines: int) -> str:
        """The last lines of a container's log; empty when there is none."""

    async def create(self, ref: ObjectRef, manifest: Manifest) -> None:
        """Server-side apply of an object that must not exist yet. Raises ClusterError (code 409 when it exists)."""

    async def apply(self, ref: ObjectRef, manifest: Manifest, uid: str) -> None:
        """Server-side apply to this very object, ownership forced. Raises ClusterError (409 when it is another one)."""

    async def strip(self, ref: ObjectRef, uid: str, pointers: tuple[str, ...]) -> None:
        """Take these places (JSON pointers) off this very object, whoever put them there; silent when it is gone or
        another, or when one of them is gone already."""

    async def delete(self, ref: ObjectRef, uid: str) -> None:
        """Delete this very object (background propagation); silent when it is gone already."""

    async def apply_status(self, ref: ObjectRef, uid: str, status: Mapping[str, Any]) -> None:
        """Replace this very object's status as a whole (ClusterError 409 when another has its name by now); silent when
        it is gone."""

    async def annotate(self, ref: ObjectRef, uid: str, annotation: str, value: str) -> None:
        """Set one annotation on this very object; silent when it is gone or another."""

    async def set_finalizers(
        self, ref: ObjectRef, version: str, finalizers: tuple[str, ...]
    ) -> None:
        """Replace the finalizers if the object is still at this resourceVersion (else ClusterError 409); silent when
        it is gone."""


class Tracking(Protocol):
    """MLflow: every method raises Unreachable when it does not answer."""

    async def find_run(self, experiment: str, uid: str) -> TrackedRun | None:
        """The run that `perform(StartTrackedRun)` made for this UID, with its metrics and logged models."""

    async def find_model(self, name: str, versions: tuple[str, ...] = ()) -> RegisteredModel | None:
        """The registered model with its aliases, the versions they point to and these versions; or None."""

    async def find_metric(self, model: str, version: str, metric: str) -> LoggedMetric | None:
        """The metric's last value in the run that logged the version; None where there is no such version."""

    async def perform(self, effect: TrackingEffect) -> None:
        """Carry an effect out; repeating it changes nothing."""


class Pages(Protocol):
    """What pods tell over HTTP, and are told."""

    async def get(self, url: str) -> str:
        """The text at the address; empty when the pod does not answer in time, or not with 200."""

    async def post(self, url: str, message: str) -> None:
        """Tell a pod something (JSON); silent when it does not hear, or does not want to."""


class Git(Protocol):
    """Git servers."""

    async def resolve(self, url: str, ref: str, credentials: tuple[str, str] | None) -> str:
        """The commit (40 hex digits) that the reference points to. Raises Unreachable."""


class Meter(Protocol):
    """Where the loop's numbers go."""

    def reconciled(self, kind: str, outcome: str, reason: str, seconds: float) -> None:
        """One reconcile ended."""

    def acted(self, verb: str, kind: str) -> None:
        """One write was made (verb: create, apply, delete, status, or the name of an effect)."""

    def depth(self, waiting: int) -> None:
        """So many keys wait in the queue."""


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """The present moment, in UTC."""


class Memory:
    """What a reconcile leaves for the next one of the same object; gone with the process."""

    def __init__(self) -> None:
        self._kept: dict[str, object] = {}

    def recall(self, uid: str) -> object:
        """What was kept last; None when nothing was."""
        return self._kept.get(uid)

    def keep(self, uid: str, what: object) -> None:
        """Keep this instead; None forgets."""
        if what is None:
            self._kept.pop(uid, None)
        else:
            self._kept[uid] = what


@dataclass(frozen=True, slots=True)
class Ports:
    """The world of one reconcile."""

    cluster: Cluster
    tracking: Tracking
    git: Git
    pages: Pages
    meter: Meter
    clock: Clock
    memory: Memory
    doorbell: Doorbell = field(default_factory=Doorbell)
