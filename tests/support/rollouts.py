"""Worlds of a rollout, for tests: arms with these counts, latencies from a distribution."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from soloist.api.v1alpha1.rollout import Rollout
from soloist.api.v1alpha1.rollout_status import RolloutRecord
from soloist.rollout.machine import advance
from soloist.rollout.readings import BOUNDS_MS, Arms, ArmWindow, Histogram
from soloist.rollout.world import Live, Pods, Registry, World

NOW = datetime(2026, 11, 1, tzinfo=UTC)
STEADY = (8.0, 9.0, 10.0, 11.0, 12.0, 20.0)


def histogram(latencies_ms: Iterable[float]) -> Histogram:
    """The histogram of these latencies."""
    counts = [0] * (len(BOUNDS_MS) + 1)
    for latency in latencies_ms:
        counts[bisect_left(BOUNDS_MS, latency)] += 1
    cumulative = tuple(accumulate(counts))
    return Histogram(BOUNDS_MS, cumulative[:-1], cumulative[-1])


def arm(
    requests: int, *, errors: int = 0, invalid: int = 0, slower: float = 1.0, **more: Any
) -> ArmWindow:
    """A version that answered so many requests, `slower` times as slowly as usual."""
    latencies = (STEADY[number % len(STEADY)] * slower for number in range(requests))
    return ArmWindow(requests, errors, invalid, latency=histogram(latencies), **more)


def arms(candidate: ArmWindow, champion: ArmWindow | None = None) -> Arms:
    """Both; the champion nine times as busy, and well, unless it is given."""
    return Arms(champion if champion is not None else arm(9 * candidate.requests), candidate)


def policy(**fields: Any) -> Rollout:
    """A rollout as users write it."""
    return Rollout.model_validate(fields)


def world(  # one argument for each thing that may be otherwise
    *,
    candidate: str | None = "2",
    champion: str | None = "1",
    ready: Mapping[str, int] | None = None,
    live: tuple[int, str | None] | None = None,
    **more: Any,
) -> World:
    """Version 1 serves with its pods, version 2 is the candidate; two replicas."""
    aliases = {"candidate": candidate, "champion": champion}
    pods = {
        version: Pods(wanted=count, ready=count)
        for version, count in (ready if ready is not None else {"1": 2, "2": 2}).items()
    }
    fields: dict[str, Any] = {
        "replicas": 2,
        "registry": Registry(
            "m",
            {name: version for name, version in aliases.items() if version is not None},
            frozenset({"1", "2", "3"}),
        ),
        "pods": pods,
        "live": Live({"2": live[0]}, live[1]) if live is not None else None,
    }
    return World(**{**fields, **more})


def served(version: str = "1", **more: Any) -> RolloutRecord:
    """A record at rest."""
    return RolloutRecord(champion=version, champion_alias=version, **more)


class Story:
    """A record that is advanced through a series of worlds."""

    def __init__(self, spec: Rollout | None, record: RolloutRecord) -> None:
        self.spec, self.record, self.now = spec, record, NOW

    def see(self, seen: World, *, seconds: float = 1) -> RolloutRecord:
        self.now += timedelta(seconds=seconds)
        self.record = advance(self.spec, self.record, seen, self.now)
        return self.record

    @property
    def stage(self) -> str:
        assert self.record.rollout is not None
        return self.record.rollout.stage

    @property
    def weight(self) -> int:
        assert self.record.rollout is not None
        return self.record.rollout.weight
