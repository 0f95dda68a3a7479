"""Whether a shadow is fed with kept requests, because hardly anybody asks."""

from __future__ import annotations

from datetime import datetime, timedelta

from soloist.api.conditions import parse_time
from soloist.api.v1alpha1.rollout import Rollout
from soloist.api.v1alpha1.rollout_status import RolloutStatus
from soloist.rollout.stages import SHADOW_REQUESTS
from soloist.rollout.world import World

# What comes by itself is given a chance first.
PATIENCE = timedelta(seconds=30)
# A shadow that gets its requests within this time needs no others. By the rate so far, kept requests included: so they come as
# fast as this takes, and no faster. However few the shadow itself wants, its gates may want as many as are usual.
WITHIN = timedelta(minutes=2)


def is_needed(spec: Rollout | None, rollout: RolloutStatus, world: World, now: datetime) -> bool:
    """Whether the shadow lacks numbers, and would for long."""
    if spec is None or spec.replay is None or rollout.stage != "Shadow":
        return False
    if rollout.live_since is None:
        return False
    spent = now - parse_time(rollout.live_since)
    wanted = spec.shadow.requests or SHADOW_REQUESTS
    seen = world.readings.candidate.requests if world.readings is not None else 0
    lacks = seen < wanted or any(one.verdict == "NotEnoughData" for one in rollout.evidence)
    return lacks and spent >= PATIENCE and seen * WITHIN < max(wanted, SHADOW_REQUESTS) * spent
