"""How long something took: counts by upper limit, which add up across replicas as quantiles don't."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Histogram:
    """Each count is of what took longer than the limit before, and not longer than its own."""

    counts: Mapping[float, int] = field(default_factory=dict)
    """By upper limit in milliseconds; what is above all limits is at infinity."""

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    def quantile(self, share: float) -> float | None:
        """Milliseconds that this share took at most, as if a bucket's times were spread evenly over it. None: nothing
        was counted. Above the highest limit it's that limit: more isn't known."""
        wanted, before, lower = share * self.count, 0, 0.0
        for limit, count in sorted(self.counts.items()):
            if count and before + count >= wanted:
                reach = (wanted - before) / count
                return lower if math.isinf(limit) else lower + (limit - lower) * reach
            before, lower = before + count, limit
        return None
