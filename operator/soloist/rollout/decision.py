"""What a record means for the gateway, the pods and the registry.

Derived from what was written to status, never from what is about to be: a decision that was lost with the operator has done
nothing. An effect is named only while the registry shows that it is due, and saying it twice does it once.
"""

from __future__ import annotations

from dataclasses import dataclass

from soloist.api.v1alpha1.rollout_status import RolloutRecord
from soloist.core.effects import DropAlias, SetAlias, TagVersion
from soloist.rollout.hands import alias_is_due
from soloist.rollout.records import active, is_refused
from soloist.rollout.world import CANDIDATE, CHAMPION, PREVIOUS, Registry, World

TAG = "soloist.dev"


RegistryEffect = SetAlias | DropAlias | TagVersion


@dataclass(frozen=True, slots=True)
class Decision:
    """What should be true now."""

    weights: tuple[tuple[str, int], ...]
    """Version → percentage of the requests. They add up to 100, or there is no version yet."""
    shadow: str | None
    """The version that gets a copy of every request."""
    pods: tuple[tuple[str, int], ...]
    """Version → pods. The previous champion's, for the ladder, are the endpoint's own matter."""
    effects: tuple[RegistryEffect, ...]
    """In this order: the alias that shows that something is due goes last."""


def decide(record: RolloutRecord, world: World) -> Decision:
    """What the recorded decisions ask for."""
    rollout = active(record)
    return Decision(
        weights=_weights(record),
        shadow=rollout.version if rollout is not None and rollout.stage == "Shadow" else None,
        pods=_pods(record, world),
        effects=_effects(record, world),
    )


def _weights(record: RolloutRecord) -> tuple[tuple[str, int], ...]:
    rollout = active(record)
    if record.champion is None:
        return () if rollout is None else ((rollout.version, 100),)
    if rollout is None or rollout.weight == 0:
        return ((record.champion, 100),)
    return ((record.champion, 100 - rollout.weight), (rollout.version, rollout.weight))


def _pods(record: RolloutRecord, world: World) -> tuple[tuple[str, int], ...]:
    rollout, all_of = active(record), world.replicas
    if rollout is None:
        return () if record.champion is None else ((record.champion, all_of),)
    if record.champion is None:
        return ((rollout.version, all_of),)
    if not rollout.in_place:
        return ((record.champion, all_of), (rollout.version, all_of))
    if rollout.stage != "Swapping":
        return ((record.champion, all_of),)
    ready = world.pods_of(rollout.version).ready
    # Without room for even one, the champion gives up a pod first.
    coming = min(all_of, ready + max(1, rollout.surge))
    staying = max(0, min(all_of, all_of + rollout.surge - coming))
    return ((record.champion, staying), (rollout.version, coming))


def _effects(record: RolloutRecord, world: World) -> tuple[RegistryEffect, ...]:
    registry = world.registry
    if registry is None:
        return ()
    return (*_champion(record, world, registry), *_candidate(record, world, registry))


def _champion(
    record: RolloutRecord, world: World, registry: Registry
) -> tuple[RegistryEffect, ...]:
    if record.champion is None or not alias_is_due(record, world):
        return ()
    due: tuple[RegistryEffect, ...] = evidence_tags(record, registry.model)
    if record.previous is not None and world.alias(PREVIOUS) != record.previous:
        due += (SetAlias(registry.model, PREVIOUS, record.previous),)
    if record.previous is None and world.alias(PREVIOUS) == record.champion:
        due += (DropAlias(registry.model, PREVIOUS, record.champion),)
    return (*due, SetAlias(registry.model, CHAMPION, record.champion))


def _candidate(
    record: RolloutRecord, world: World, registry: Registry
) -> tuple[RegistryEffect, ...]:
    rollout, seen = active(record), world.alias(CANDIDATE)
    if rollout is not None and rollout.asked_by == "Retry" and seen != rollout.version:
        return (SetAlias(registry.model, CANDIDATE, rollout.version),)
    if seen is None or (rollout is not None and rollout.version == seen):
        return ()
    if seen == record.champion:
        return (DropAlias(registry.model, CANDIDATE, seen),)
    if is_refused(record, seen):
        tags = evidence_tags(record, registry.model, of=seen)
        return (*tags, DropAlias(registry.model, CANDIDATE, seen))
    return ()


def evidence_tags(
    record: RolloutRecord, model: str, *, of: str | None = None
) -> tuple[TagVersion, ...]:
    """What was found out about the version of the last rollout, kept with the version itself."""
    rollout = record.rollout
    if rollout is None or (of is not None and rollout.version != of):
        return ()
    tags = {
        f"{TAG}/verdict": rollout.stage,
        f"{TAG}/verdict-time": rollout.since,
        **{f"{TAG}/gate.{one.gate}": f"{one.verdict}: {one.message}" for one in rollout.evidence},
    }
    if rollout.message:
        tags[f"{TAG}/reason"] = f"{rollout.reason}: {rollout.message}"
    return (TagVersion(model, rollout.version, tags),)
