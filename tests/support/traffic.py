"""Seeded traffic through a gateway that routes as the record says, one second late; the decisions are the real ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from math import erf, log, sqrt

import numpy as np

from soloist.api.v1alpha1.rollout import Rollout
from soloist.api.v1alpha1.rollout_status import RolloutRecord
from soloist.kinds.modelendpoint.replay import REQUESTS_AT_A_TIME
from soloist.rollout.decision import Decision, decide
from soloist.rollout.machine import advance
from soloist.rollout.readings import BOUNDS_MS, Arms, ArmWindow, Histogram, Tally
from soloist.rollout.replay import is_needed
from soloist.rollout.world import Live, Pods, Registry, World
from tests.support.rollouts import NOW

MEDIAN_MS, SPREAD = 20.0, 0.5
STARTED_AFTER = 3
CRASHES_EVERY = 3


@dataclass(frozen=True, slots=True)
class Nature:
    """What a version really is like."""

    errors: float = 0.001
    invalid: float = 0.0
    slower: float = 1.0
    """Factor of every latency."""
    tail: float = 1.0
    """Factor of the slowest tenth's latencies on top."""
    crashes: bool = False
    """Under traffic its pods end, all of them, again and again."""
    disagrees: float = 0.05


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to both versions."""

    rate: float = 200.0
    bursts: bool = False
    """Every eighth second has three times the requests, every eleventh is three times as slow."""
    kept: int = 0
    """Requests that the champion's pods kept, for a shadow that may ask them again."""


@dataclass(slots=True)
class Passage:
    """How one rollout went."""

    record: RolloutRecord
    first_bad: int | None = None
    """The first second in which the candidate answered clients."""
    last_bad: int | None = None
    harmed: int = 0
    requests: int = 0
    ended: int | None = None
    stages: list[str] = field(default_factory=list)

    @property
    def seconds_to_abort(self) -> int:
        """From the first request that the candidate answered to the last one, both seconds counted."""
        if self.first_bad is None or self.last_bad is None:
            return 0
        return self.last_bad - self.first_bad + 1


def run(  # what a passage depends on
    nature: Nature, *, spec: Rollout, seed: int, weather: Weather | None = None, seconds: int = 400
) -> Passage:
    """One candidate, from its alias to its end."""
    play = _Play(nature, spec, weather or Weather(), np.random.default_rng(seed))
    for second in range(seconds):
        if play.second(second):
            break
    return play.passage


class _Play:
    def __init__(
        self, nature: Nature, spec: Rollout, weather: Weather, chance: np.random.Generator
    ) -> None:
        self.nature, self.spec, self.weather, self.chance = nature, spec, weather, chance
        self.passage = Passage(RolloutRecord(champion="1", champion_alias="1"))
        self.routed = Decision((("1", 100),), None, (), ())
        self.counted = Arms()
        self.tally, self.stage_of = Tally(), ""
        self.born: int | None = None
        self.loaded = 0
        self.kept = weather.kept
        self.seen: World | None = None

    def second(self, second: int) -> bool:
        """Traffic, then one look; whether the rollout has ended."""
        weights = dict(self.routed.weights)
        now = NOW + timedelta(seconds=second)
        self._traffic(second, weights.get("2", 0), again=self._ask_again(now))
        record = self.passage.record
        self._tell(record)
        self.seen = world = self._world(second, weights)
        self.passage.record = advance(self.spec, record, world, now)
        # The gateways learn of what was recorded after this look: live one second later.
        self.routed = decide(self.passage.record, world)
        if self.born is None and "2" in dict(self.routed.pods):
            self.born = second
        rollout = self.passage.record.rollout
        assert rollout is not None
        if not self.passage.stages or self.passage.stages[-1] != rollout.stage:
            self.passage.stages.append(rollout.stage)
        has_ended = rollout.stage in ("Promoted", "Aborted") and weights == dict(
            self.routed.weights
        )
        if has_ended:
            self.passage.ended = second
        return has_ended

    def _tell(self, record: RolloutRecord) -> None:
        """The tally begins anew with each stage, as the operator's does."""
        stage = (record.rollout.live_since or "") if record.rollout is not None else ""
        if stage != self.stage_of:
            self.tally, self.stage_of = Tally(), stage
        self.tally = self.tally.look({"gateway": self.counted})

    def _world(self, second: int, weights: dict[str, int]) -> World:
        is_up = self.born is not None and second - self.born >= STARTED_AFTER
        restarts = 1 + self.loaded // CRASHES_EVERY if self._is_crashing() else 0
        pods = {"1": Pods(2, 2)}
        if self.born is not None:
            pods["2"] = Pods(2, 2 if is_up and not restarts else 0, restarts=restarts)
        return World(
            replicas=2,
            registry=Registry("m", {"candidate": "2", "champion": "1"}, frozenset({"1", "2"})),
            pods=pods,
            readings=self.tally.total,
            live=Live(weights, self.routed.shadow),
        )

    def _is_crashing(self) -> bool:
        return self.nature.crashes and self.loaded > 0

    def _ask_again(self, now: datetime) -> int:
        """Kept requests that come in this second, as the last look asked for."""
        rollout = self.passage.record.rollout
        if self.seen is None or rollout is None:
            return 0
        wanted = REQUESTS_AT_A_TIME if is_needed(self.spec, rollout, self.seen, now) else 0
        again = min(wanted, self.kept)
        self.kept -= again
        return again

    def _traffic(self, second: int, weight: int, *, again: int) -> None:
        rate = self.weather.rate
        slow = 1.0
        if self.weather.bursts:
            rate *= 3 if second % 8 == 0 else 1
            slow = 3.0 if second % 11 == 0 else 1.0
        n = int(self.chance.poisson(rate)) + again
        to_candidate = int(self.chance.binomial(n, weight / 100))
        is_shadowed = self.routed.shadow == "2"
        tried = n if is_shadowed else to_candidate
        if tried:
            self.loaded += 1
        compared = tried if is_shadowed else 0
        candidate = self._arm(self.nature, tried, slow, compared)
        champion = self._arm(Nature(), n - to_candidate, slow, 0)
        self.counted = self.counted + Arms(champion, candidate)
        self.passage.requests += n
        if to_candidate:
            first = self.passage.first_bad
            self.passage.first_bad = second if first is None else first
            self.passage.last_bad = second
            self.passage.harmed += candidate.errors + candidate.invalid

    def _arm(self, nature: Nature, n: int, slow: float, compared: int) -> ArmWindow:
        errors = 1.0 if nature.crashes else nature.errors
        counts = self.chance.multinomial(n, _shares(slow * nature.slower, nature.tail))
        cumulative = tuple(int(count) for count in np.cumsum(counts))
        return ArmWindow(
            requests=n,
            errors=int(self.chance.binomial(n, errors)),
            invalid=int(self.chance.binomial(n, nature.invalid)),
            compared=compared,
            disagreed=int(self.chance.binomial(compared, nature.disagrees)),
            latency=Histogram(BOUNDS_MS, cumulative[:-1], cumulative[-1]),
        )


@cache
def _shares(slower: float, tail: float) -> list[float]:
    """Share of the latencies in each bucket: lognormal, its slowest tenth stretched."""
    below = [_below(bound, slower, tail) for bound in BOUNDS_MS]
    edges = [0.0, *below, 1.0]
    return [max(0.0, high - low) for low, high in pairwise(edges)]


def _below(bound: float, slower: float, tail: float) -> float:
    cut = MEDIAN_MS * slower * 1.898  # p90 of the lognormal: exp(1.2816 * SPREAD)
    if bound > cut:
        bound = max(cut, bound / tail)
    return 0.5 * (1 + erf(log(bound / (MEDIAN_MS * slower)) / (SPREAD * sqrt(2))))
