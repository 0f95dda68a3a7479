"""A version that takes the champion's place pod by pod, where there is no room for both."""

from __future__ import annotations

from datetime import timedelta

from soloist.api.conditions import parse_time
from soloist.api.v1alpha1.rollout import Rollout
from soloist.api.v1alpha1.rollout_status import RolloutRecord, RolloutStatus
from soloist.rollout.look import Look
from soloist.rollout.records import enter, promote, put
from soloist.rollout.world import World

# Time to read that a version takes the other's place, and to stop it.
ANNOUNCE = timedelta(minutes=1)


def is_needed(spec: Rollout, rollout: RolloutStatus, record: RolloutRecord, world: World) -> bool:
    """Whether the version's pods don't fit beside the champion's. An exchange that has begun goes on."""
    if rollout.stage == "Swapping":
        return True
    budget = _budget(spec, rollout, world)
    return record.champion is not None and budget is not None and budget < world.replicas


def _budget(spec: Rollout, rollout: RolloutStatus, world: World) -> int | None:
    """Pods that the version may have beside the champion's; None for as many as it likes."""
    room = None if world.room is None else world.room + world.pods_of(rollout.version).wanted
    known = [limit for limit in (room, spec.max_surge) if limit is not None]
    return max(0, min(known)) if known else None


def announce(record: RolloutRecord, rollout: RolloutStatus, look: Look) -> RolloutRecord:
    """Says so first, and waits: an exchange has neither shadow nor canary, and with one replica a gap."""
    if not rollout.in_place:
        surge = _budget(look.spec, rollout, look.world) or 0
        return enter(record, rollout, look.now, "Deploying", in_place=True, surge=surge)
    if look.now - parse_time(rollout.since) < ANNOUNCE:
        return record
    # What the champion has falls as it gives up its pods: how many there must be in the end is settled now.
    return enter(record, rollout, look.now, "Swapping", pods=look.world.replicas)


def revoke(record: RolloutRecord, rollout: RolloutStatus, look: Look) -> RolloutRecord:
    """There is room after all."""
    return enter(record, rollout, look.now, "Deploying", in_place=False, surge=0)


def swap(record: RolloutRecord, rollout: RolloutStatus, look: Look) -> RolloutRecord:
    """The traffic follows the pods: each version gets the share that it has of those that are ready."""
    world = look.world
    ready, left = world.pods_of(rollout.version).ready, world.pods_of(record.champion).ready
    if ready >= world.replicas:
        return promote(record, rollout, world)
    weight = round(100 * ready / (ready + left)) if ready else 0
    if weight == rollout.weight:
        return record
    return put(record, rollout.model_copy(update={"weight": weight}))
