"""What the two versions did in the same time: counts, never rates, so that they can be added and subtracted.

The operator reads cumulative counters of several gateways and pods, each of which may begin anew at zero. A window is
what was counted between two looks; the sum of the windows since a stage began is what its gates judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any

# Renard's series R10 (ISO 3), ten bounds a decade, each about 1.26 times the one before: the latency gate can only tell
# latencies apart that a bound lies between, so a gateway's usual 5, 10, 25, 50 would hide a version twice as slow.
_R10 = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)
BOUNDS_MS = (
    *(round(step * 10**decade, 4) for decade in (-1, 0, 1, 2, 3) for step in _R10),
    10_000.0,
    30_000.0,
    60_000.0,
)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many answers took how long. `counts[i]` are the answers of at most `bounds[i]` ms, cumulative as in Prometheus;
    slower ones than the last bound are in no count, only in `total`."""

    bounds: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    total: int = 0

    def __post_init__(self) -> None:
        if len(self.bounds) != len(self.counts):
            raise ValueError("a histogram needs one count for each bound")
        if any(low >= high for low, high in pairwise(self.bounds)):
            raise ValueError("the bounds of a histogram must rise")

    def slower_than(self, bound: float) -> int:
        """Answers that took longer than `bound`, which must be one of the histogram's."""
        return self.total - self.counts[self.bounds.index(bound)]

    def bound_of(self, quantile: float) -> float | None:
        """The smallest bound that this share of the answers kept; None where no bound did."""
        kept = (
            bound
            for bound, count in zip(self.bounds, self.counts, strict=True)
            if count >= quantile * self.total
        )
        return next(kept, None) if self.total else None

    def bound_from(self, least: float) -> float | None:
        """The smallest bound that is not below `least`."""
        return next((bound for bound in self.bounds if bound >= least), None)

    def __add__(self, other: Histogram) -> Histogram:
        if not self.bounds or not other.bounds:
            return self if self.bounds else other
        self._must_match(other)
        counts = (a + b for a, b in zip(self.counts, other.counts, strict=True))
        return Histogram(self.bounds, tuple(counts), self.total + other.total)

    def __sub__(self, other: Histogram) -> Histogram:
        if not other.bounds:
            return self
        self._must_match(other)
        counts = (a - b for a, b in zip(self.counts, other.counts, strict=True))
        return Histogram(self.bounds, tuple(counts), self.total - other.total)

    def _must_match(self, other: Histogram) -> None:
        if self.bounds != other.bounds:
            raise ValueError("histograms with different bounds can't be added")

    @property
    def is_negative(self) -> bool:
        return self.total < 0 or any(count < 0 for count in self.counts)


@dataclass(frozen=True, slots=True)
class ArmWindow:
    """What one version did."""

    requests: int = 0
    errors: int = 0
    """Answers 5xx, and requests without an answer."""
    invalid: int = 0
    """Answers with NaN or an infinity, or that don't fit the signature."""
    compared: int = 0
    """Requests that both versions answered and whose answers were compared."""
    disagreed: int = 0
    """Those whose answers differed."""
    score_distance_sum: float = 0.0
    """Sum of the distances between the compared answers."""
    replayed: int = 0
    """Kept requests that the champion's pods asked again; both versions' requests hold them too."""
    latency: Histogram = field(default_factory=Histogram)

    def __add__(self, other: ArmWindow) -> ArmWindow:
        return ArmWindow(
            **{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)}
        )

    def __sub__(self, other: ArmWindow) -> ArmWindow:
        return ArmWindow(
            **{one.name: getattr(self, one.name) - getattr(other, one.name) for one in fields(self)}
        )

    @property
    def is_negative(self) -> bool:
        counts: tuple[Any, ...] = (
            self.requests, self.errors, self.invalid, self.compared, self.disagreed, self.replayed,
        )  # fmt: skip
        return any(count < 0 for count in counts) or self.latency.is_negative

    def mean_distance(self) -> float | None:
        """How far the compared answers were apart, on average."""
        return self.score_distance_sum / self.compared if self.compared else None


@dataclass(frozen=True, slots=True)
class Arms:
    """Both versions in the same time."""

    champion: ArmWindow = field(default_factory=ArmWindow)
    candidate: ArmWindow = field(default_factory=ArmWindow)

    def __add__(self, other: Arms) -> Arms:
        return Arms(self.champion + other.champion, self.candidate + other.candidate)

    def since(self, before: Arms) -> Arms:
        """What was counted after `before` by the same process.

        A counter that fell began anew, and with it all the counters of its process: what they say now is then all
        that is known. What was counted between the last look and the restart is lost, for both versions alike.
        """
        pairs = ((self.champion, before.champion), (self.candidate, before.candidate))
        if any(now.latency.bounds != then.latency.bounds for now, then in pairs):
            return self  # with other bounds it is another process, whatever its name
        made = Arms(*(now - then for now, then in pairs))
        return self if made.champion.is_negative or made.candidate.is_negative else made


@dataclass(frozen=True, slots=True)
class Tally:
    """The windows of a stage, summed over all processes that count; grows with each look."""

    last: tuple[tuple[str, Arms], ...] = ()
    total: Arms = field(default_factory=Arms)

    def look(self, counters: Mapping[str, Arms]) -> Tally:
        """One look further. A process that is seen for the first time adds nothing yet: its counters may hold a past from
        before the stage. One that did not answer this time is no new one when it answers again."""
        before = dict(self.last)
        windows = (now.since(before[name]) for name, now in counters.items() if name in before)
        return Tally(tuple({**before, **counters}.items()), sum_arms((self.total, *windows)))


def sum_arms(windows: Iterable[Arms]) -> Arms:
    """All of them together."""
    total = Arms()
    for window in windows:
        total += window
    return total
