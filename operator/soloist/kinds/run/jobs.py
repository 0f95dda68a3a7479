"""How one attempt of a step does, read from its RayJob and from what its runner said last."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from soloist.api.conditions import Reason
from soloist.core.objects import Manifest
from soloist.kinds import podenv
from soloist.kinds.run import names

# The words of the step runner's outcome for a command that failed.
SAID_BY_RUNNER = frozenset({"NonZeroExit", "OutOfMemory", "CommandNotFound", "SourceMissing"})
# 128 + signal are the codes of a process that was killed.
LAST_OWN_EXIT_CODE = 128
LOGS_FOLLOW = ", last available logs"
# Ray's memory monitor ends the newest of its workers. Beside a command that uses no Ray that is the supervisor of the
# job, and the runner goes with it: only Ray is left to tell.
RAY_RAN_OUT_OF_MEMORY = "due to the node running low on memory"


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt of a step, as its RayJob tells it."""

    step: str
    attempt: int
    state: str
    """Running, Succeeded or Failed."""
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    memory_peak: int | None = None
    start_time: str | None = None
    end_time: str | None = None
    lines: tuple[str, ...] = ()
    """The last lines that it printed, where Ray's message holds them."""


def parse_job(manifest: Manifest) -> Job | None:
    """The attempt that a RayJob stands for, and how it does."""
    labels, status = manifest["metadata"].get("labels") or {}, manifest.get("status") or {}
    step, number = labels.get(names.STEP_LABEL), labels.get(names.ATTEMPT_LABEL, "")
    if step is None or not number.isdigit():
        return None  # somebody took its labels off: the diff puts them back
    attempt = int(number)
    start, end = status.get("startTime"), status.get("endTime")
    message = status.get("message") or ""
    deployment, job = status.get("jobDeploymentStatus"), status.get("jobStatus")
    if deployment == "Complete" and job == "SUCCEEDED":
        return Job(step, attempt, "Succeeded", start_time=start, end_time=end)
    # A job that somebody stopped in Ray ends as "Complete": only SUCCEEDED is success.
    if deployment not in ("Complete", "Failed", "ValidationFailed"):
        return Job(step, attempt, "Running", start_time=start)
    return _failed(step, attempt, status.get("reason") or "", message, start, end)


def _failed(
    step: str, attempt: int, reason: str, message: str, start: str | None, end: str | None
) -> Job:
    outcome, lines = parse_outcome(message)
    rays_own = message.partition(LOGS_FOLLOW)[0].strip() or reason
    code = _integer(outcome.get("exitCode"))
    return Job(
        step,
        attempt,
        "Failed",
        reason=_reason(reason, outcome, rays_own),
        message=rays_own.partition("\n")[0][:300],
        exit_code=_ray_exit_code(rays_own) if code is None else code,
        memory_peak=_integer(outcome.get("memoryPeak")) or _ray_memory_peak(rays_own),
        start_time=start,
        end_time=end,
        lines=lines,
    )


def _reason(ray_reason: str, outcome: Mapping[str, object], rays_own: str) -> str:
    if ray_reason == "DeadlineExceeded":
        return Reason.DEADLINE_EXCEEDED
    if ray_reason in ("SubmissionFailed", "ValidationFailed"):
        return Reason.SUBMISSION_FAILED
    said = outcome.get("reason")
    if isinstance(said, str) and said in SAID_BY_RUNNER:
        return said
    if RAY_RAN_OUT_OF_MEMORY in rays_own:
        return Reason.OUT_OF_MEMORY
    # The runner always says how the command ended. Its silence means that it was lost with its machine, unless it
    # could not even start: an image without it, say.
    code = _ray_exit_code(rays_own)
    started = code is None or code <= 0 or code > LAST_OWN_EXIT_CODE
    return Reason.DISRUPTED if started else Reason.NON_ZERO_EXIT


def _ray_exit_code(rays_own: str) -> int | None:
    found = re.match(r".*?failed with exit code (-?[0-9]+)", rays_own)  # in its first line
    return int(found[1]) if found else None


def _ray_memory_peak(rays_own: str) -> int | None:
    """Bytes in use when Ray found too little left; its GB are 2^30 bytes."""
    found = re.search(r" was ([0-9.]+)GB(?: used)? / [0-9.]+GB", rays_own)
    return int(float(found[1]) * 2**30) if found else None


def parse_outcome(message: str) -> tuple[Mapping[str, object], tuple[str, ...]]:
    """What the step runner said last, and the lines before it, from the tail that Ray keeps of a failed job."""
    outcome: Mapping[str, object] = {}
    lines: list[str] = []
    for line in message.partition(LOGS_FOLLOW)[2].splitlines()[1:]:
        if line.startswith(podenv.OUTCOME_MARK):
            outcome = _json_object(line.removeprefix(podenv.OUTCOME_MARK))
        elif line.strip():
            lines.append(line)
    return outcome, tuple(lines[-20:])


def _json_object(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _integer(value: object) -> int | None:
    """The number, if it is one: a command may print a line that looks like the runner's."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
