"""What a rollout is decided from: everything that was observed, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from soloist.rollout.readings import Arms

CANDIDATE, CHAMPION, PREVIOUS = "candidate", "champion", "previous"
APPROVE, PROMOTE = "soloist.dev/approve", "soloist.dev/promote"
RETRY, ROLLBACK = "soloist.dev/retry", "soloist.dev/rollback"


@dataclass(frozen=True, slots=True)
class Pods:
    """The pods of one version."""

    wanted: int = 0
    """Pods that exist, ready or not: they take room already."""
    ready: int = 0
    restarts: int = 0
    """Restarts of the serving container, over all pods. An init container that retries its download is no crash."""
    out_of_memory: int = 0
    """How many of the restarts were for want of memory."""
    failing_since: datetime | None = None
    """Since when none of them is ready, where they once were."""


NO_PODS = Pods()


@dataclass(frozen=True, slots=True)
class Registry:
    """The registered model, as MLflow has it."""

    model: str
    aliases: Mapping[str, str] = field(default_factory=dict)
    versions: frozenset[str] = frozenset()
    """Versions that can be resolved to an artifact."""


@dataclass(frozen=True, slots=True)
class Live:
    """How every gateway routes now."""

    weights: Mapping[str, int] = field(default_factory=dict)
    """Version → percentage; versions without requests may be left out."""
    shadow: str | None = None
    """The version that gets copies."""


@dataclass(frozen=True, slots=True)
class World:
    """One look."""

    replicas: int = 1
    """Pods that a version that answers everything must have."""
    registry: Registry | None = None
    """None while MLflow does not answer: nothing that was decided changes for that."""
    pods: Mapping[str, Pods] = field(default_factory=dict)
    readings: Arms | None = None
    """What both versions did since the recorded stage's `liveSince`; None where nobody could be asked."""
    queries: Mapping[str, float | None] = field(default_factory=dict)
    """Answers of the query gates by name."""
    room: int | None = None
    """How many more pods the quota allows; None where there is no quota."""
    kept_left: int | None = None
    """Kept requests that were not asked again yet; None where none was asked for."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    live: Live | None = None

    def pods_of(self, version: str | None) -> Pods:
        return self.pods.get(version or "", NO_PODS)

    def alias(self, name: str) -> str | None:
        return self.registry.aliases.get(name) if self.registry is not None else None
