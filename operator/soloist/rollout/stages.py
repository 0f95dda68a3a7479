"""One rollout's way through its stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from soloist.api.amounts import duration_value
from soloist.api.conditions import parse_time, rfc3339
from soloist.api.v1alpha1.rollout import Rollout
from soloist.api.v1alpha1.rollout_status import (
    AbortReason,
    AskedBy,
    Evidence,
    RolloutRecord,
    RolloutStatus,
)
from soloist.rollout import exchange, gates
from soloist.rollout.look import Look
from soloist.rollout.records import abort, active, enter, promote, put
from soloist.rollout.world import APPROVE, World

SHADOW_REQUESTS = 300
# The numbers change at each look; a person and etcd are served by some of them.
EVIDENCE_EVERY = timedelta(seconds=10)


def is_gated(asked_by: AskedBy) -> bool:
    """Whether a version that came this way has to pass gates; a person's choice is obeyed."""
    return asked_by in ("Candidate", "Retry")


def progress(
    spec: Rollout | None, record: RolloutRecord, world: World, now: datetime
) -> RolloutRecord:
    """The rollout under way, one step further."""
    rollout = active(record)
    if rollout is None:
        return record
    must_pass = is_gated(rollout.asked_by) and record.champion is not None
    if spec is None or (not must_pass and not exchange.is_needed(spec, rollout, record, world)):
        return _switch_when_ready(record, rollout, world, now)
    evidence = gates.judge(spec, rollout, world)
    failed = [one for one in evidence if one.verdict == "Fail"]
    if must_pass and failed:
        return _fail(record, rollout, evidence, failed, now)
    judged = _with_evidence(rollout, evidence, now)
    look = Look(spec, world, now, evidence)
    return _STAGES[rollout.stage](put(record, judged), judged, look)


def _switch_when_ready(
    record: RolloutRecord, rollout: RolloutStatus, world: World, now: datetime
) -> RolloutRecord:
    if world.pods_of(rollout.version).ready >= world.replicas:
        return promote(record, rollout, world)
    if rollout.stage == "Deploying" and not rollout.in_place:
        return record
    # The policy went away, or a person took over, amid a canary whose share no gate watches any more, or amid an exchange.
    return enter(record, rollout, now, "Deploying", weight=0, in_place=False, surge=0)


def _fail(
    record: RolloutRecord,
    rollout: RolloutStatus,
    evidence: tuple[Evidence, ...],
    failed: list[Evidence],
    now: datetime,
) -> RolloutRecord:
    last = rollout.model_copy(update={"evidence": list(evidence), "judged_time": rfc3339(now)})
    reason: AbortReason = "PodsFailed" if failed[0].gate == "pods" else "GateFailed"
    return abort(record, last, reason, _told(failed), now)


def _told(evidence: list[Evidence]) -> str:
    return "; ".join(f"{one.gate}: {one.message}" for one in evidence)


def _with_evidence(
    rollout: RolloutStatus, evidence: tuple[Evidence, ...], now: datetime
) -> RolloutStatus:
    """The newest numbers, unless the last ones are fresh and say the same."""
    told = rollout.judged_time
    is_fresh = told is not None and now - parse_time(told) < EVIDENCE_EVERY
    before = [(one.gate, one.verdict) for one in rollout.evidence]
    says_the_same = before == [(one.gate, one.verdict) for one in evidence]
    if (is_fresh and says_the_same) or rollout.evidence == list(evidence):
        return rollout
    return rollout.model_copy(update={"evidence": list(evidence), "judged_time": rfc3339(now)})


def _deploying(record: RolloutRecord, rollout: RolloutStatus, look: Look) -> RolloutRecord:
    if exchange.is_needed(look.spec, rollout, record, look.world):
        return exchange.announce(record, rollout, look)
    if rollout.in_place:
        return exchange.revoke(record, rollout, look)
    if look.world.pods_of(rollout.version).ready < look.world.replicas:
        return record
    if look.spec.shadow.requests != 0:
        return enter(record, rollout, look.now, "Shadow", weight=0)
    return _step(record, rollout, look, 0)


def _step(record: RolloutRecord, rollout: RolloutStatus, look: Look, step: int) -> RolloutRecord:
    canary = look.spec.canary
    if step >= len(canary):
        return promote(record, rollout, look.world)
    return enter(record, rollout, look.now, "Canary", step=step, weight=canary[step])


def is_live(rollout: RolloutStatus, world: World) -> bool:
    """Whether every gateway routes as the stage wants."""
    if world.live is None:
        return False
    if rollout.stage == "Shadow" and world.live.shadow != rollout.version:
        return False
    return world.live.weights.get(rollout.version, 0) == rollout.weight


def _judging(record: RolloutRecord, rollout: RolloutStatus, look: Look) -> RolloutRecord:
    """A stage with traffic: it begins when it is live, and ends when its time is over and every gate says Pass."""
    weight = _weight(look.spec, rollout)
    if weight != rollout.weight:  # the spec was edited under way
        return enter(record, rollout, look.now, rollout.stage, weight=weight)
    if rollout.live_since is None:
        live = rollout.model_copy(update={"live_since": rfc3339(look.now)})
        return put(record, live) if is_live(rollout, look.world) else record
    if gates.verdict_of(look.evidence) == "Pass" and _is_over(rollout, look):
        # What is kept is what it passed by, and not what was written some seconds before.
        update = {"evidence": list(look.evidence), "judged_time": rfc3339(look.now)}
        passed = rollout.model_copy(update=update)
        return _after(put(record, passed), passed, look)
    return _out_of_time(record, rollout, look)


def _out_of_time(record: RolloutRecord, rollout: RolloutStatus, look: Look) -> RolloutRecord:
    lacking = [one for one in look.evidence if one.verdict == "NotEnoughData"]
    spent = look.now - parse_time(rollout.since)
    if look.spec.on_timeout == "Wait" or not lacking or spent < duration_value(look.spec.timeout):
        return record
    message = f"not enough data after {look.spec.timeout}: {_told(lacking)}"
    return abort(record, rollout, "Timeout", message, look.now)


def _weight(spec: Rollout, rollout: RolloutStatus) -> int:
    if rollout.stage == "Shadow" or not spec.canary:
        return 0
    return spec.canary[min(rollout.step, len(spec.canary) - 1)]


def _is_over(rollout: RolloutStatus, look: Look) -> bool:
    spent = look.now - parse_time(rollout.live_since or rollout.since)
    shadow = look.spec.shadow
    if rollout.stage != "Shadow":
        return spent >= duration_value(look.spec.step_duration)
    if shadow.duration is not None:
        return spent >= duration_value(shadow.duration)
    wanted = SHADOW_REQUESTS if shadow.requests is None else shadow.requests
    readings = look.world.readings
    return readings is not None and readings.candidate.requests >= wanted


def _after(record: RolloutRecord, rollout: RolloutStatus, look: Look) -> RolloutRecord:
    if rollout.stage == "Shadow":
        return _step(record, rollout, look, 0)
    if _must_ask(rollout, look):
        # The same traffic goes on while a person thinks, and so do its numbers.
        return enter(record, rollout, look.now, "Paused", live_since=rollout.live_since)
    return _step(record, rollout, look, rollout.step + 1)


def _paused(record: RolloutRecord, rollout: RolloutStatus, look: Look) -> RolloutRecord:
    return record if _must_ask(rollout, look) else _step(record, rollout, look, rollout.step + 1)


def _must_ask(rollout: RolloutStatus, look: Look) -> bool:
    """One approval of a version is good for all its pauses."""
    is_approved = look.world.annotations.get(APPROVE) == rollout.version
    return rollout.weight in look.spec.pause_at and not is_approved


_Stage = Callable[[RolloutRecord, RolloutStatus, Look], RolloutRecord]
_STAGES: Mapping[str, _Stage] = {
    "Deploying": _deploying,
    "Swapping": exchange.swap,
    "Shadow": _judging,
    "Canary": _judging,
    "Paused": _paused,
}
