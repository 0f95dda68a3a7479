"""Tests that may be looked at after every request, without a look too many ever making a false alarm likelier.

A fixed threshold on a rate, or a t-test that is repeated until it says yes, finds a difference sooner or later where
there is none: the operator looks every second. So each test here keeps a *test martingale*: the likelihood ratio of "worse
than allowed" to "as allowed", whose mean stays at most 1 for as long as the version is as good as allowed. By Ville's inequality
(Ville 1939, *Étude critique de la notion de collectif*; Robbins 1970, "Statistical methods related to the law of the
iterated logarithm", Ann. Math. Statist. 41) it ever reaches 1/α with a probability of at most α, however often one looks:

    P(there is an n with L_n >= 1/α) <= α

What is worse than allowed has no one rate, so L is a mean over several (the method of mixtures: Robbins 1970; Howard, Ramdas,
McAuliffe, Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Ann. Statist. 49; for A/B tests
Johari, Koomen, Pekelis, Walsh 2022, "Always valid inference", Oper. Res. 70). A mean of martingales is one; a finite mean over
m rates costs at most log m of evidence against knowing the right rate, and needs no special function.

All evidence is a natural logarithm: log L.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log

# How much larger the odds may be than allowed: from twice to "nearly every request".
_ODDS = (2.0, 5.0, 20.0, 200.0, 20_000.0)
# How much smaller, for the opposite test: to "hardly ever".
_ODDS_BELOW = (2.0, 6.0, 20_000.0)
# The rates of a champion, from "hardly ever" to the median of a latency.
_BASES = (0.0003, 0.003, 0.03, 0.1, 0.25, 0.5)
_CEILING = 1 - 1e-6


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened, of how often it could have."""

    hits: int
    n: int

    @property
    def rate(self) -> float | None:
        return self.hits / self.n if self.n else None


def evidence_above(seen: Count, allowed: float) -> float:
    """Evidence that the rate is above `allowed`.

    The mean of the likelihood ratios of rates q above `allowed`. Each is a supermartingale under *every* rate p <= allowed, since
    the factor of one request has the mean  p·q/a + (1-p)(1-q)/(1-a),  which rises with p and is 1 at p = a (Wald 1945, "Sequential
    tests of statistical hypotheses", Ann. Math. Statist. 16, for one q).
    """
    if not 0 < allowed < 1:
        return 0.0
    return _log_mean(
        _score(seen, rate, allowed) for rate in (_shifted(allowed, odds) for odds in _ODDS)
    )


def evidence_below(seen: Count, allowed: float) -> float:
    """Evidence that the rate is below `allowed`: the same test of the opposite event."""
    if not 0 < allowed < 1:
        return 0.0
    rates = (_shifted(allowed, 1 / odds) for odds in _ODDS_BELOW)
    return _log_mean(_score(seen, rate, allowed) for rate in rates)


def evidence_worse(candidate: Count, champion: Count) -> float:
    """Evidence that the candidate's rate is above the champion's, in the same time.

    For a pair of rates θ1 > θ0, with the candidate's share w of the requests and θ* = w·θ1 + (1-w)·θ0, the factor of one request is
    p_θ1(y)/p_θ*(y) where the candidate answered it, p_θ0(y)/p_θ*(y) where the champion did (Turner, Ly, Grünwald 2024, "Generic
    E-variables for exact sequential k-sample tests that allow for optional stopping", J. Statist. Plann. Inference 230). With true
    rates p1 and p0 its mean over a request that falls to the candidate with probability w is

        1 + A·(p1 - p0),   A = w(1-w)(θ1-θ0) / (θ*(1-θ*)) > 0

    so it is a supermartingale whenever p1 <= p0, and the rates may be anything and change at any time, so long as they change for both:
    an outage of what both depend on, a burst, a slow minute convict nobody. w is what the counts say: the gateway draws it, and it
    is constant in a stage. Mixed over a grid of pairs.
    """
    n = candidate.n + champion.n
    if candidate.n == 0 or champion.n == 0:
        return 0.0
    share = candidate.n / n
    return _log_mean(
        _pair_score(candidate, champion, share, base, _shifted(base, odds))
        for base in _BASES
        for odds in _ODDS
    )


def _pair_score(candidate: Count, champion: Count, share: float, low: float, high: float) -> float:
    both = share * high + (1 - share) * low
    return _score(candidate, high, both) + _score(champion, low, both)


def _score(seen: Count, rate: float, against: float) -> float:
    """Log likelihood ratio of two rates."""
    misses = seen.n - seen.hits
    return seen.hits * log(rate / against) + misses * log((1 - rate) / (1 - against))


def odds_times(rate: float, factor: float) -> float:
    """The rate whose odds are `factor` times those of `rate`; near 0 that is `factor` times the rate."""
    return _shifted(rate, factor)


def _shifted(rate: float, factor: float) -> float:
    odds = factor * rate / (1 - rate)
    return min(odds / (1 + odds), _CEILING)


def _log_mean(logs: Iterable[float]) -> float:
    values = tuple(logs)
    top = max(values)
    return top + log(sum(exp(value - top) for value in values) / len(values))
