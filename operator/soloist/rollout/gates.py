"""The gates: each turns counts into one of three verdicts, against the champion in the same time.

A version fails when it is *surely* worse than tolerated and surely worse than the champion: each at most once in 1/ALPHA rollouts
whose version is exactly at the limit, however often one looks (`soloist.rollout.sequential`). It passes when it is *surely* not much worse:
its odds are below BAR times those tolerated. Between the two, and without numbers, there is not enough data. A version in
between the two limits gets one of the verdicts in the end, so that a stage with traffic always ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan, log

from soloist.api.v1alpha1.rollout import QueryGate, RateGate, Rollout
from soloist.api.v1alpha1.rollout_status import Evidence, RolloutStatus, Verdict
from soloist.rollout import latency
from soloist.rollout.readings import Arms, ArmWindow
from soloist.rollout.sequential import (
    Count,
    evidence_above,
    evidence_below,
    evidence_worse,
    odds_times,
)
from soloist.rollout.world import Pods, World

# A false alarm costs a good version; a false Pass only one of several chances to stop a version that is somewhat worse.
ALPHA, BETA = 0.001, 0.05
FAIL, PASS = log(1 / ALPHA), log(1 / BETA)
BAR = 4.0
# A limit that somebody chose for disagreements is no small number: four times the odds of 20 % would be 50 %.
DISAGREEMENT_BAR = 1.5
# One crash can be the machine's fault, two are the version's.
CRASHES = 2


def judge(spec: Rollout, rollout: RolloutStatus, world: World) -> tuple[Evidence, ...]:
    """What every gate says of the recorded stage."""
    arms = world.readings if rollout.live_since is not None and world.readings else Arms()
    return tuple(_judged(spec, rollout, world, arms))


def _judged(spec: Rollout, rollout: RolloutStatus, world: World, arms: Arms) -> Iterator[Evidence]:
    yield pods_gate(world.pods_of(rollout.version), world.replicas)
    if rollout.stage in ("Deploying", "Withdrawn"):
        return
    gates, least = spec.gates, spec.min_requests
    yield from _rates("errorRate", gates.error_rate, arms, least)
    yield latency.judge(gates.latency, arms, least, fail=FAIL, enough=PASS)
    yield from _rates("invalid", gates.invalid, arms, least)
    if gates.disagreement is not None and rollout.stage == "Shadow":
        compared = Count(arms.candidate.disagreed, arms.candidate.compared)
        tolerated = gates.disagreement.at_most / 100
        yield rate_gate("disagreement", compared, None, tolerated, least, bar=DISAGREEMENT_BAR)
    for query in gates.queries:
        yield query_gate(query, world.queries.get(query.name))


def verdict_of(evidence: tuple[Evidence, ...]) -> Verdict:
    """All together: one Fail fails, all Pass pass."""
    verdicts = {one.verdict for one in evidence}
    if "Fail" in verdicts:
        return "Fail"
    return "Pass" if verdicts == {"Pass"} else "NotEnoughData"


def _rates(gate: str, policy: RateGate, arms: Arms, least: int) -> Iterator[Evidence]:
    if policy.at_most < 100:
        candidate, champion = (_count(gate, arm) for arm in (arms.candidate, arms.champion))
        yield rate_gate(gate, candidate, champion, policy.at_most / 100, least)


def _count(gate: str, arm: ArmWindow) -> Count:
    hits = arm.errors if gate == "errorRate" else arm.invalid
    # A gateway's and a pod's counters are read one after the other: never more hits than requests.
    return Count(min(hits, arm.requests), arm.requests)


def rate_gate(
    gate: str,
    candidate: Count,
    champion: Count | None,
    tolerated: float,
    least: int,
    *,
    bar: float = BAR,
) -> Evidence:
    """A share of the answers: errors, invalid answers, disagreements (which have no champion's share to compare with)."""
    shown = Evidence(
        gate=gate,
        verdict=_rate_verdict(candidate, champion, tolerated, least, bar),
        value=_percent(candidate.rate),
        champion=_percent(champion.rate) if champion is not None else None,
        n=candidate.n,
        threshold=_percent(tolerated),
    )
    return shown.model_copy(update={"message": _rate_message(shown, champion)})


def _rate_verdict(
    candidate: Count, champion: Count | None, tolerated: float, least: int, bar: float
) -> Verdict:
    is_above = evidence_above(candidate, tolerated) >= FAIL
    if is_above and (champion is None or evidence_worse(candidate, champion) >= FAIL):
        return "Fail"
    if candidate.n < least or (champion is not None and champion.n == 0):
        return "NotEnoughData"
    usual = champion.rate if champion is not None and champion.n >= least else None
    limit = odds_times(max(tolerated, min(usual or 0.0, 0.9)), bar)
    return "Pass" if evidence_below(candidate, limit) >= PASS else "NotEnoughData"


def _rate_message(shown: Evidence, champion: Count | None) -> str:
    if shown.value is None:
        return "no requests yet"
    against = "" if champion is None else f" against {_text(shown.champion)} (n={champion.n:,})"
    return f"{_text(shown.value)} (n={shown.n:,}){against}, tolerated {_text(shown.threshold)}"


def _text(percent: float | None) -> str:
    return "nothing" if percent is None else f"{percent:g} %"


def _percent(rate: float | None) -> float | None:
    return None if rate is None else float(f"{100 * rate:.3g}")


def query_gate(query: QueryGate, value: float | None) -> Evidence:
    """A number of the user's own. It has no n and no champion that we know of, so it is held against its bound as it is."""
    bound = query.at_most if query.at_most is not None else query.at_least
    if value is None or isnan(value):  # PromQL gives NaN for 0/0
        return Evidence(
            gate=query.name,
            verdict="NotEnoughData",
            threshold=bound,
            message="the query gave no number",
        )
    is_within = (query.at_most is None or value <= query.at_most) and (
        query.at_least is None or value >= query.at_least
    )
    side = "at most" if query.at_most is not None else "at least"
    return Evidence(
        gate=query.name,
        verdict="Pass" if is_within else "Fail",
        value=value,
        n=1,
        threshold=bound,
        message=f"{value:g}, wanted {side} {bound:g}",
    )


def pods_gate(candidate: Pods, replicas: int) -> Evidence:
    """Crashes of the server, of which a version that is fit to serve has none. One that leaves no pod is enough."""
    is_down = candidate.restarts > 0 and candidate.ready == 0
    verdict: Verdict = "Pass" if candidate.ready >= replicas else "NotEnoughData"
    if candidate.restarts >= CRASHES or is_down:
        verdict = "Fail"
    memory = f", {candidate.out_of_memory} for want of memory" if candidate.out_of_memory else ""
    return Evidence(
        gate="pods",
        verdict=verdict,
        value=float(candidate.restarts),
        n=candidate.wanted,
        threshold=float(CRASHES),
        message=f"{candidate.restarts} crashes{memory}, {candidate.ready} of {replicas} pods ready",
    )
