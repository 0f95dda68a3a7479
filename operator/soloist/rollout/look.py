"""What a stage is told: the policy, the world, the time, and what the gates make of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from soloist.api.v1alpha1.rollout import Rollout
from soloist.api.v1alpha1.rollout_status import Evidence
from soloist.rollout.world import World


@dataclass(frozen=True, slots=True)
class Look:
    """One look at one rollout."""

    spec: Rollout
    world: World
    now: datetime
    evidence: tuple[Evidence, ...]
