"""What a Pipeline says of itself: its newest Run, the next one, and what stands in the way."""

from __future__ import annotations

from datetime import timedelta

from soloist.api.conditions import Reason, rfc3339
from soloist.api.platform import Platform
from soloist.api.v1alpha1.parts import ModelVersion
from soloist.api.v1alpha1.pipeline import LastRun
from soloist.core.kind import Summary
from soloist.core.outcome import Done, Failed, Outcome, Stalled, Waiting, worst
from soloist.kinds.conditions import Verdict, conditions
from soloist.kinds.pipeline import names, policy
from soloist.kinds.pipeline.facts import PipelineFacts, RunView
from soloist.kinds.pipeline.names import Pipeline
from soloist.kinds.pipeline.policy import Start
from soloist.kinds.pipeline.schedule import Due, InvalidSchedule
from soloist.kinds.problems import runtime_missing

# A ConfigMap that is edited in place wakes nobody (one made by kustomize changes its name, and so the spec).
LOOK_AT_CODE = timedelta(seconds=30)
LOOK_FOR_MISSING = timedelta(seconds=5)
# As many as status has room for; with `Allow` there is no bound.
ACTIVE = 100
WHY = {
    "Source": " for new code or steps",
    "Schedule": " by the schedule",
    "Request": " as asked for",
}


def summarize(
    pipeline: Pipeline, facts: PipelineFacts, platform: Platform, outcomes: tuple[Outcome, ...]
) -> Summary:
    """The status now, and when the clock or the code has to be looked at again."""
    try:
        schedule = policy.schedule_around(pipeline, facts)
        invalid = None
    except InvalidSchedule as error:
        schedule, invalid = Due(None, None), Verdict.stalled(Reason.INVALID_SPEC, str(error))
    outcome = worst(outcomes)
    start = policy.due_run(pipeline, facts, platform)
    verdict = invalid or _verdict(pipeline, facts, platform, outcome, start, schedule)
    newest = facts.runs[-1] if facts.runs else None
    status = pipeline.status.model_copy(
        update={
            "observed_generation": pipeline.metadata.generation,
            "last_run": LastRun(name=newest.name, phase=newest.phase) if newest else None,
            **_answered(pipeline, facts, schedule, start if isinstance(outcome, Done) else None),
            "next_schedule_time": rfc3339(schedule.following) if schedule.following else None,
            "active": [run.name for run in facts.active][-ACTIVE:],
            "model": _model(pipeline, facts),
            "summary": verdict.message,
            "conditions": conditions(pipeline, verdict, facts.now),
        }
    )
    return Summary(status, _next_look(pipeline, facts, platform, schedule, outcome))


def _answered(
    pipeline: Pipeline, facts: PipelineFacts, schedule: Due, made: Start | None
) -> dict[str, object]:
    """What needs no Run any more. One that was made just now counts at once: it may be deleted before the next look."""
    settled = policy.answered_time(pipeline, facts, schedule.last)
    if made is None:
        return {
            "last_run_number": policy.last_number(pipeline, facts),
            "last_trigger": policy.last_answer(pipeline, facts),
            "last_request": _last_request(pipeline, facts),
            "last_schedule_time": settled,
        }
    asked = made.reason == "Request"
    return {
        "last_run_number": made.number,
        "last_trigger": made.answers,
        "last_request": made.id if asked else _last_request(pipeline, facts),
        "last_schedule_time": made.id if made.reason == "Schedule" else settled,
    }


def _last_request(pipeline: Pipeline, facts: PipelineFacts) -> str | None:
    made = any(run.trigger == facts.request for run in facts.runs) and facts.request
    return facts.request if made else pipeline.status.last_request


def _model(pipeline: Pipeline, facts: PipelineFacts) -> ModelVersion | None:
    registered = [run.model for run in facts.runs if run.model is not None]
    if not registered:
        return pipeline.status.model
    name, version = registered[-1]
    return ModelVersion(name=name, version=version)


def _next_look(
    pipeline: Pipeline,
    facts: PipelineFacts,
    platform: Platform,
    schedule: Due,
    outcome: Outcome,
) -> Outcome:
    if facts.problem is not None and isinstance(outcome, Done):
        return Waiting(facts.problem.reason, facts.problem.message, LOOK_FOR_MISSING)
    looks = []
    if schedule.following is not None:
        # A second late rather than early: at the very second the schedule would not be due yet.
        looks.append(schedule.following - facts.now + timedelta(seconds=1))
    if pipeline.spec.source.git is not None:
        looks.append(timedelta(seconds=platform.git_poll_seconds))
    if pipeline.spec.source.config_map is not None:
        looks.append(LOOK_AT_CODE)
    return worst((outcome, *(Done(again=max(look, timedelta(seconds=1))) for look in looks)))


def _verdict(
    pipeline: Pipeline,
    facts: PipelineFacts,
    platform: Platform,
    outcome: Outcome,
    start: Start | None,
    schedule: Due,
) -> Verdict:
    if platform.runtime(pipeline.spec.runtime) is None:
        unknown = runtime_missing(pipeline.spec.runtime, platform)
        return Verdict.stalled(unknown.reason, unknown.message)
    if isinstance(outcome, Failed | Stalled | Waiting):
        return Verdict.waiting(outcome.reason, outcome.message)
    if facts.problem is not None:
        return Verdict.waiting(facts.problem.reason, facts.problem.message)
    if pipeline.spec.suspend:
        return Verdict.ready(Reason.SUSPENDED, _suspended_sentence(pipeline, facts))
    if start is not None:
        # Not before its Run exists is new code answered: `kubectl wait` must not take the old Run's end for the new one's.
        run = names.run(pipeline, start.number)
        return Verdict.progressing(Reason.PROGRESSING, f"Starting run {run}{WHY[start.reason]}.")
    if facts.runs:
        return _from_run(facts.runs[-1], _follows(pipeline, facts))
    if not policy.last_number(pipeline, facts):
        return Verdict.ready(Reason.READY, _unbegun(pipeline, schedule))
    return Verdict.ready(
        Reason.READY,
        f"All Runs were deleted, the newest one, {pipeline.name}-{pipeline.status.last_run_number},"
        f" too. For another: kubectl annotate pipeline {pipeline.name} {names.REQUEST}=again.",
    )


def _unbegun(pipeline: Pipeline, schedule: Due) -> str:
    by_hand = f"kubectl annotate pipeline {pipeline.name} {names.REQUEST}=now"
    if schedule.following is None:
        return f"No Run yet, and no schedule starts one. For the first: {by_hand}."
    return f"No Run yet: the schedule starts the first at {rfc3339(schedule.following)}. For one now: {by_hand}."


def _follows(pipeline: Pipeline, facts: PipelineFacts) -> str:
    """What waits for the Run under way."""
    trigger = policy.source_trigger(pipeline, facts)
    is_new = (
        trigger is not None
        and pipeline.spec.run_on_change
        and not policy.is_answered(pipeline, facts, trigger)
    )
    if is_new or policy.is_requested(pipeline, facts):
        return f" Run {names.run(pipeline, policy.last_number(pipeline, facts) + 1)} follows."
    return ""


def _suspended_sentence(pipeline: Pipeline, facts: PipelineFacts) -> str:
    trigger = policy.source_trigger(pipeline, facts)
    is_new = trigger is not None and not policy.is_answered(pipeline, facts, trigger)
    if is_new and pipeline.spec.run_on_change:
        number = policy.last_number(pipeline, facts) + 1
        return (
            f"Suspended. Run {pipeline.name}-{number} would start for the changed code or steps:"
            " set spec.suspend to false."
        )
    return "Suspended. Nothing would start now but by the schedule or by request."


def _from_run(run: RunView, follows: str) -> Verdict:
    match run.phase:
        case "Succeeded":
            return Verdict.ready(Reason.SUCCEEDED, f"Run {run.name} succeeded. {run.summary}")
        case "Failed":
            return Verdict.stalled(Reason.RUN_FAILED, run.summary)
        case _:
            # What stands in the Run's way stands in ours: a missing Secret is no "Running" to a program either.
            reason = run.reason or Reason.RUNNING
            return Verdict.progressing(
                reason, f"Run {run.name}: {run.summary or 'Starting.'}{follows}"
            )
