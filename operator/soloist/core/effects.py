"""What a kind may ask of a system outside the cluster, and what it may ask to read: as data, executed elsewhere.

An external write is visible to people and has no server-side apply, so each effect is emitted only when the
facts show that it is still due, and each is safe to repeat: it looks for its own earlier result first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from soloist.core.asking import AskPod
from soloist.core.metric import FindMetric
from soloist.core.objects import KindRef


@dataclass(frozen=True, slots=True)
class GetObject:
    """Read one object by name."""

    kind: KindRef
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class IsThere:
    """Look whether an object of that name exists; what is in it, a Secret's values say, is not read."""

    kind: KindRef
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class ListObjects:
    """Read the objects of a namespace that carry these labels."""

    kind: KindRef
    namespace: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TailLog:
    """Read the last lines that begin with `prefix` (given without it) in the log of the newest pod with these labels."""

    namespace: str
    labels: tuple[tuple[str, str], ...]
    container: str
    prefix: str
    lines: int = 20


@dataclass(frozen=True, slots=True)
class ResolveGit:
    """Read which commit a Git reference points to."""

    url: str
    ref: str
    namespace: str
    secret_name: str | None


@dataclass(frozen=True, slots=True)
class FindTrackedRun:
    """Read the tracked run that was made for the object with this UID: its id, metrics and logged models."""

    experiment: str
    uid: str


@dataclass(frozen=True, slots=True)
class FindModel:
    """Read a registered model: its aliases, the versions that they point to, and these versions as well."""

    name: str
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadPages:
    """Read what every pod with these labels that has an address answers at this port and path: its counters, say."""

    namespace: str
    labels: tuple[tuple[str, str], ...]
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class ReadUrl:
    """Read the text at an address: an answer of Prometheus."""

    url: str


@dataclass(frozen=True, slots=True)
class Recall:
    """Read what the last reconcile of the object with this UID remembered (`Summary.memory`). It may be forgotten at any
    time, by an operator that starts anew: whatever must last is in status."""

    uid: str


Read = (
    GetObject
    | IsThere
    | ListObjects
    | TailLog
    | ResolveGit
    | FindTrackedRun
    | FindModel
    | FindMetric
    | ReadPages
    | ReadUrl
    | Recall
)


@dataclass(frozen=True, slots=True)
class StartTrackedRun:
    """Create experiment and run for the object with this UID, unless they are there."""

    experiment: str
    uid: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    experiment_tags: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class EndTrackedRun:
    """Set the final status of a run: FINISHED, FAILED or KILLED."""

    run_id: str
    status: str


@dataclass(frozen=True, slots=True)
class RegisterModel:
    """Register the logged model of a run as a new version, unless it has one, and point the alias at it."""

    name: str
    run_id: str
    logged_model: str
    alias: str
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class SetAlias:
    """Point an alias of a registered model at a version."""

    name: str
    alias: str
    version: str


@dataclass(frozen=True, slots=True)
class DropAlias:
    """Take an alias away, if it still points at this version."""

    name: str
    alias: str
    version: str


@dataclass(frozen=True, slots=True)
class TouchPod:
    """Annotate a pod: the kubelet then looks at its mounted ConfigMaps at once, instead of within a minute."""

    namespace: str
    name: str
    uid: str
    annotation: str
    value: str


@dataclass(frozen=True, slots=True)
class TagVersion:
    """Write tags on a version of a registered model; writing the same again changes nothing."""

    name: str
    version: str
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)


TrackingEffect = StartTrackedRun | EndTrackedRun | RegisterModel | SetAlias | DropAlias | TagVersion
Effect = TrackingEffect | TouchPod | AskPod


@dataclass(frozen=True, slots=True)
class PodPage:
    """What one pod answered; empty when it did not in time."""

    pod: str
    text: str


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A model that code logged in a tracked run."""

    id: str
    name: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """A run in MLflow."""

    id: str
    experiment_id: str
    status: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    models: tuple[LoggedModel, ...] = ()
    registered_name: str = ""
    """The registered model that has a version from this run, if one has."""
    registered_version: str = ""


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A version of a registered model; `artifact` is the address that its files are fetched from."""

    version: str
    run_id: str
    artifact: str


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A registered model: alias → version number, and the versions that an alias points to."""

    name: str
    aliases: Mapping[str, str] = field(default_factory=dict)
    versions: tuple[RegisteredVersion, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a read has no answer. `reason` is one of the condition reasons."""

    reason: str
    message: str
