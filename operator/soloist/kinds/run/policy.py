"""How a Run goes on: which step is next, what a failure costs, when it has ended.

Record, then act: what is decided here is first written to status, and `desired` acts only on what status says.
So an operator that dies between the two finds its decision again, and no attempt is made twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from soloist.api.amounts import quantity_value
from soloist.api.conditions import Reason, rfc3339
from soloist.api.v1alpha1.pipeline import Step
from soloist.api.v1alpha1.run import Attempt, StepStatus
from soloist.core.tally import out_of_memory_at
from soloist.kinds.run import names
from soloist.kinds.run.facts import RunFacts
from soloist.kinds.run.jobs import Job
from soloist.kinds.run.names import Run

# Interruptions (a lost machine, a killed Ray head) are not the step's fault and cost no retry; but a step that is
# interrupted again and again is probably their cause.
DISRUPTIONS = 3
# How long a deleted Run is kept to tell MLflow that its run was killed. A record that says RUNNING for ever is a
# blemish; a namespace that can't be deleted because MLflow is gone would be a fault.
CLEAN_UP = timedelta(minutes=5)
LOG_LIMIT = 2048
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# 0.1 + 0.7 cores are a little less than 0.8.
ROUNDING = 1e-6


def predecessors(steps: list[Step], index: int) -> tuple[str, ...]:
    """The steps that must have succeeded before the one at `index`."""
    after = steps[index].after
    if after is not None:
        return tuple(after)
    return (steps[index - 1].name,) if index else ()


def attempts_used(step: StepStatus) -> int:
    """Failures that count against `retries`."""
    return sum(1 for failure in step.failures if failure.reason != Reason.DISRUPTED)


def is_exhausted(step: Step, status: StepStatus) -> bool:
    """Whether the step has no try left."""
    disruptions = len(status.failures) - attempts_used(status)
    return attempts_used(status) > step.retries or disruptions > DISRUPTIONS


def advance(run: Run, facts: RunFacts) -> tuple[StepStatus, ...]:
    """Every step's status, brought up to what is seen now."""
    recorded = {step.name: step for step in run.status.steps}
    seen = tuple(
        _observe(step, recorded.get(step.name, StepStatus(name=step.name)), facts)
        for step in run.spec.steps
    )
    if any(step.phase == "Failed" for step in seen):
        return tuple(_skip(step, facts) for step in seen)
    return _start(run, facts, seen)


def _observe(step: Step, status: StepStatus, facts: RunFacts) -> StepStatus:
    if status.phase != "Running":
        return status
    status = status.model_copy(update={"log": tail(facts.logs.get(step.name, ())) or status.log})
    job = facts.jobs.get((step.name, status.attempt))
    if job is None or job.state == "Running" or job.reason == Reason.DISRUPTED:
        job = _killed_for_memory(status, facts) or job
    if job is None or job.state == "Running":
        return status
    end = job.end_time or rfc3339(facts.now)
    if job.state == "Succeeded":
        return status.model_copy(update={"phase": "Succeeded", "end_time": end})
    return _after_failure(step, status, job, end)


def _after_failure(step: Step, status: StepStatus, job: Job, end: str) -> StepStatus:
    failure = Attempt(
        number=status.attempt,
        reason=job.reason,
        message=job.message,
        exit_code=job.exit_code,
        memory_peak=job.memory_peak,
        end_time=end,
    )
    failed = status.model_copy(
        update={
            "failures": [*status.failures, failure],
            "log": tail(job.lines) or status.log,
        }
    )
    if is_exhausted(step, failed):
        return failed.model_copy(update={"phase": "Failed", "end_time": end})
    return failed.model_copy(update={"attempt": status.attempt + 1})


def _killed_for_memory(status: StepStatus, facts: RunFacts) -> Job | None:
    """The attempt, ended by the kernel with its whole container: the runner could say nothing, the pod does."""
    times = (out_of_memory_at(pod, names.HEAD_CONTAINER) for pod in facts.pods)
    since = max([status.start_time or "", *(failure.end_time or "" for failure in status.failures)])
    ended = next((time for time in times if time and time > since), None)
    if ended is None:
        return None
    return Job(status.name, status.attempt, "Failed", Reason.OUT_OF_MEMORY, end_time=ended)


def _skip(step: StepStatus, facts: RunFacts) -> StepStatus:
    """Nothing goes on beside or after a step that failed: the Run's cluster is taken down."""
    if step.phase == "Waiting":
        return step.model_copy(update={"phase": "Skipped"})
    if step.phase == "Running":
        return step.model_copy(update={"phase": "Skipped", "end_time": rfc3339(facts.now)})
    return step


def _start(run: Run, facts: RunFacts, steps: tuple[StepStatus, ...]) -> tuple[StepStatus, ...]:
    """Start what may start: predecessors done, room on the head, and an MLflow run to log to."""
    if not facts.cluster_ready or run.status.mlflow_run_id is None:
        return steps
    phase = {step.name: step.phase for step in steps}
    cpu, memory = head_size(run.spec.steps)
    free_cpu = cpu - _in_use(run, phase, "cpu")
    free_memory = memory - _in_use(run, phase, "memory")
    result = []
    for index, (step, status) in enumerate(zip(run.spec.steps, steps, strict=True)):
        ready = all(phase[name] == "Succeeded" for name in predecessors(run.spec.steps, index))
        fits = (
            quantity_value(step.cpu) <= free_cpu + ROUNDING
            and quantity_value(step.memory) <= free_memory
        )
        if status.phase != "Waiting" or not (ready and fits):
            result.append(status)
            continue
        free_cpu -= quantity_value(step.cpu)
        free_memory -= quantity_value(step.memory)
        began = {"phase": "Running", "attempt": 1, "start_time": rfc3339(facts.now)}
        result.append(status.model_copy(update=began))
    return tuple(result)


def _in_use(run: Run, phase: Mapping[str, str], what: str) -> float:
    return sum(
        quantity_value(getattr(step, what))
        for step in run.spec.steps
        if phase[step.name] == "Running"
    )


def levels(steps: list[Step]) -> tuple[tuple[Step, ...], ...]:
    """The steps by how many stand before them on the longest way: those of one level can run side by side."""
    depth: dict[str, int] = {}
    for index, step in enumerate(steps):
        before = predecessors(steps, index)
        depth[step.name] = 1 + max((depth[name] for name in before), default=-1)
    return tuple(
        tuple(step for step in steps if depth[step.name] == level)
        for level in range(max(depth.values()) + 1)
    )


def head_size(steps: list[Step]) -> tuple[float, float]:
    """Cores and bytes of the Ray head: enough for the largest level at once."""
    return (
        max(sum(quantity_value(step.cpu) for step in level) for level in levels(steps)),
        max(sum(quantity_value(step.memory) for step in level) for level in levels(steps)),
    )


def tail(lines: tuple[str, ...]) -> str:
    """The last lines that fit into status, without a terminal's colours: status is read by people and programs."""
    kept: list[str] = []
    room = LOG_LIMIT
    for line in (_COLOUR.sub("", line)[:400] for line in reversed(lines)):
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join(reversed(kept))


def registered(facts: RunFacts) -> tuple[str, str] | None:
    """Name and version of the model registered from this Run, once an alias has told of it.

    The version alone is not enough: an operator that dies between making it and setting its alias would leave a
    version that nobody ever serves. An alias that has moved on to a newer version counts as set.
    """
    tracked, model = facts.tracked, facts.model
    if tracked is None or model is None:
        return None
    mine = [one.version for one in model.versions if one.run_id == tracked.id]
    if mine:
        return model.name, max(mine, key=int)
    if tracked.registered_name != model.name or not tracked.registered_version:
        return None
    newer = any(int(alias) > int(tracked.registered_version) for alias in model.aliases.values())
    return (model.name, tracked.registered_version) if newer else None


def final_status(succeeded: bool) -> str:
    """MLflow's word for how a run ended."""
    return "FINISHED" if succeeded else "FAILED"


def is_over(steps: tuple[StepStatus, ...]) -> bool:
    """Whether no step will change any more."""
    return bool(steps) and (
        all(step.phase == "Succeeded" for step in steps)
        or any(step.phase == "Failed" for step in steps)
    )


def has_succeeded(steps: tuple[StepStatus, ...]) -> bool:
    """Whether every step succeeded."""
    return bool(steps) and all(step.phase == "Succeeded" for step in steps)
