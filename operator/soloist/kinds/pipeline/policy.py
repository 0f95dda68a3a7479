"""Which Run starts next, and which finished ones go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from soloist.api.amounts import duration_value
from soloist.api.conditions import parse_time, rfc3339
from soloist.api.platform import Platform
from soloist.core.objects import digest
from soloist.kinds.pipeline import names
from soloist.kinds.pipeline.facts import PipelineFacts, RunView
from soloist.kinds.pipeline.names import Pipeline
from soloist.kinds.pipeline.schedule import Due, InvalidSchedule, due


@dataclass(frozen=True, slots=True)
class Start:
    """A Run to start now, and why."""

    number: int
    reason: Literal["Source", "Schedule", "Request"]
    id: str
    answers: str


def source_trigger(pipeline: Pipeline, facts: PipelineFacts) -> str | None:
    """The digest of all that makes a Run another Run: code, steps, environment, runtime."""
    if facts.code is None:
        return None
    spec = pipeline.spec
    return digest(
        [
            facts.code.digest,
            spec.source.git.path if spec.source.git else "",
            [step.manifest() for step in spec.steps],
            [variable.manifest() for variable in spec.env],
            spec.runtime,
        ]
    )


def last_number(pipeline: Pipeline, facts: PipelineFacts) -> int:
    """The highest number ever given to a Run."""
    return max([pipeline.status.last_run_number, *(run.number for run in facts.runs)])


def schedule_around(pipeline: Pipeline, facts: PipelineFacts) -> Due:
    """The schedule's last unanswered and next time. Raises InvalidSchedule."""
    if pipeline.spec.schedule is None:
        return Due(None, None)
    return due(pipeline.spec.schedule, pipeline.spec.time_zone, _since(pipeline, facts), facts.now)


def _since(pipeline: Pipeline, facts: PipelineFacts) -> datetime:
    said = pipeline.status.last_schedule_time
    if said is not None:
        return parse_time(said)
    return pipeline.metadata.created or facts.now


def is_too_late(pipeline: Pipeline, facts: PipelineFacts, time: datetime) -> bool:
    """Whether a scheduled Run has missed its starting deadline."""
    return facts.now - time > duration_value(pipeline.spec.starting_deadline)


def due_run(pipeline: Pipeline, facts: PipelineFacts, platform: Platform) -> Start | None:
    """The Run to start in this reconcile. A spec that can't be carried out starts none; status says why."""
    if pipeline.spec.concurrency_policy == "Replace" and len(facts.active) > 1:
        return None  # the operator died while it replaced one: that comes first, or each such death would leave one more
    if platform.runtime(pipeline.spec.runtime) is None:
        return None
    try:
        return next_start(pipeline, facts)
    except InvalidSchedule:
        return None


def next_start(pipeline: Pipeline, facts: PipelineFacts) -> Start | None:
    """The Run that is due now: asked for by hand, by new code, or by the clock, in this order.

    Each trigger is answered once: what the live Runs say they answer counts before what status remembers, so
    a Run that was made just before the operator died is not made again.
    """
    answers = source_trigger(pipeline, facts)
    if answers is None or pipeline.spec.suspend or pipeline.metadata.deleted is not None:
        return None
    number = last_number(pipeline, facts) + 1
    if is_requested(pipeline, facts):
        return (
            Start(number, "Request", facts.request, answers)
            if _may_start(pipeline, facts)
            else None
        )
    if pipeline.spec.run_on_change and not is_answered(pipeline, facts, answers):
        start = Start(number, "Source", answers, answers)
        return start if _may_start(pipeline, facts, by_code=True) else None
    time = schedule_around(pipeline, facts).last
    if time is None or is_too_late(pipeline, facts, time) or not _may_start(pipeline, facts):
        return None
    tick = rfc3339(time)
    if any(run.trigger == tick for run in facts.runs):
        return None
    return Start(number, "Schedule", tick, answers)


def is_requested(pipeline: Pipeline, facts: PipelineFacts) -> bool:
    """Whether the annotation asks for a Run that was not made yet."""
    known = {pipeline.status.last_request or "", *(run.trigger for run in facts.runs)}
    return facts.request not in known and facts.request != ""


def is_answered(pipeline: Pipeline, facts: PipelineFacts, trigger: str) -> bool:
    """Whether a Run was made from this code and these steps. Only the newest counts: A, B, A makes three Runs."""
    return last_answer(pipeline, facts) == trigger


def last_answer(pipeline: Pipeline, facts: PipelineFacts) -> str | None:
    """What the newest Run was made from. One that somebody deleted stays answered: its deletion is no wish for another.

    A Run that is newer than what status remembers counts before it: the operator may have died between the two.
    """
    newest = facts.runs[-1] if facts.runs else None
    if newest is not None and newest.number >= pipeline.status.last_run_number:
        return (
            newest.answers or pipeline.status.last_trigger
        )  # somebody may have taken the annotation off
    return pipeline.status.last_trigger


def _may_start(pipeline: Pipeline, facts: PipelineFacts, *, by_code: bool = False) -> bool:
    if pipeline.spec.concurrency_policy != "Forbid":
        return True
    return all(by_code and run.phase == "Pending" for run in facts.active)


def replaced(pipeline: Pipeline, facts: PipelineFacts, start: Start | None) -> frozenset[str]:
    """The active Runs whose place a newer one takes: `start`, or one made just before the operator died.

    With Forbid, new code takes the place of a Run that has not begun: one that waits for an image or a Secret that
    will never come would otherwise stand in the way of its own correction. Nothing is lost with it.
    """
    newest = None if start is not None or not facts.runs else facts.runs[-1].name
    older = [run for run in facts.active if run.name != newest]
    match pipeline.spec.concurrency_policy:
        case "Allow":
            return frozenset()
        case "Replace":
            return frozenset(run.name for run in older)
        case "Forbid":
            return frozenset(run.name for run in older if run.phase == "Pending")


def kept(pipeline: Pipeline, facts: PipelineFacts, start: Start | None) -> tuple[RunView, ...]:
    """The Runs that stay: the active ones (unless one takes their place) and the newest finished ones."""
    history = pipeline.spec.history
    succeeded = [run for run in facts.runs if run.phase == "Succeeded"][-history.succeeded :]
    failed = [run for run in facts.runs if run.phase == "Failed"][-history.failed :]
    going = replaced(pipeline, facts, start)
    active = (run.name for run in facts.runs if run.is_active and run.name not in going)
    staying = {*active, *(run.name for run in (*succeeded, *failed))}
    return tuple(run for run in facts.runs if run.name in staying)


def answered_time(pipeline: Pipeline, facts: PipelineFacts, time: datetime | None) -> str | None:
    """The newest time of the schedule that is settled: a Run was made for it, or it was left out."""
    said = pipeline.status.last_schedule_time
    if time is None:
        return said
    tick = rfc3339(time)
    made = any(run.trigger == tick for run in facts.runs)
    left_out = is_too_late(pipeline, facts, time) or (
        pipeline.spec.concurrency_policy == "Forbid" and bool(facts.active)
    )
    # A schedule's time that finds the pipeline suspended is left out too: nobody wants a month of them at once.
    return tick if made or left_out or pipeline.spec.suspend else said


def claim_in_use(pipeline: Pipeline) -> str | None:
    """The volume that Runs mount; None for a bucket."""
    if pipeline.spec.storage.is_own_volume:
        return names.claim(pipeline)
    return pipeline.spec.storage.claim
