"""The gate on latency: the candidate's tail beyond a multiple of the champion's quantile, counted in the same time.

If the candidate is at most r times as slow as the champion, then for every x the share of its answers slower than r·x is at most the
champion's share slower than x. So x is put at the champion's own median, p90 and the quantile asked for, the answers beyond are
counted in both histograms, and the two shares are compared by the same sequential test as errors are. No quantile of the candidate is
ever estimated: its p99 from 200 requests would be the second slowest of them.

The three looks at one histogram share ALPHA (Bonferroni 1936). x comes from the same numbers as the champion's share; it moves on a grid
of ten bounds a decade and stands still after a few hundred requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from soloist.api.amounts import duration_value
from soloist.api.v1alpha1.rollout import LatencyGate
from soloist.api.v1alpha1.rollout_status import Evidence, Verdict
from soloist.rollout.readings import Arms
from soloist.rollout.sequential import Count, evidence_below, evidence_worse, odds_times

MARGIN_MS = 5.0
# Passing needs a tail surely below twice the champion's (in odds): the tolerance lies in the ratio already.
BAR = 2.0


@dataclass(frozen=True, slots=True)
class Tail:
    """Both tails at one quantile of the champion's."""

    quantile: float
    usual_ms: float
    tolerated_ms: float
    reached_ms: float | None
    """The candidate's own quantile, to show."""
    candidate: Count
    champion: Count


def judge(policy: LatencyGate, arms: Arms, least: int, *, fail: float, enough: float) -> Evidence:
    """Fail if any of the tails is surely longer, Pass if all are surely not."""
    quantiles = tuple(sorted({0.5, 0.9, policy.quantile / 100}))
    tails = [tail for one in quantiles if (tail := _tail(policy, arms, one)) is not None]
    if not tails:
        n = arms.candidate.latency.total
        return Evidence(
            gate="latency", verdict="NotEnoughData", n=n, message="no latencies to compare yet"
        )
    share = log(len(quantiles))
    failing = [
        tail for tail in tails if evidence_worse(tail.candidate, tail.champion) >= fail + share
    ]
    if failing:
        return _evidence(failing[-1], "Fail")
    is_enough = len(tails) == len(quantiles) and min(_fewest(arms)) >= least
    if is_enough and all(_is_short(tail, enough) for tail in tails):
        return _evidence(tails[-1], "Pass")
    return _evidence(tails[-1], "NotEnoughData")


def _tail(policy: LatencyGate, arms: Arms, quantile: float) -> Tail | None:
    usual, tried = arms.champion.latency, arms.candidate.latency
    if usual.bounds != tried.bounds or not tried.total:
        return None
    start = usual.bound_of(quantile)
    if start is None:
        return None
    floor = duration_value(policy.at_most).total_seconds() * 1000 if policy.at_most else 0.0
    limit = tried.bound_from(max(policy.ratio * start, start + MARGIN_MS, floor))
    if limit is None:
        return None
    return Tail(
        quantile=quantile,
        usual_ms=start,
        tolerated_ms=limit,
        reached_ms=tried.bound_of(quantile),
        candidate=Count(tried.slower_than(limit), tried.total),
        champion=Count(usual.slower_than(start), usual.total),
    )


def _fewest(arms: Arms) -> tuple[int, int]:
    return arms.candidate.latency.total, arms.champion.latency.total


def _is_short(tail: Tail, enough: float) -> bool:
    return evidence_below(tail.candidate, odds_times(1 - tail.quantile, BAR)) >= enough


def _evidence(tail: Tail, verdict: Verdict) -> Evidence:
    name = f"p{100 * tail.quantile:g}"
    reached = f"{tail.reached_ms:g} ms" if tail.reached_ms is not None else "beyond every bound"
    return Evidence(
        gate="latency",
        verdict=verdict,
        value=tail.reached_ms,
        champion=tail.usual_ms,
        n=tail.candidate.n,
        threshold=tail.tolerated_ms,
        message=f"{name} {reached} (n={tail.candidate.n:,}) against {tail.usual_ms:g} ms"
        f" (n={tail.champion.n:,}), tolerated {tail.tolerated_ms:g} ms",
    )
