"""How a step ended, as a value and as the line that the operator reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "soloist-outcome: "
OUT_OF_MEMORY_EXIT_CODE = 137

# Ray kills a task before the kernel would kill the container; the step then sees this exception and exits
# with 1. To the person it is the same event, with the same remedy.
RAY_OUT_OF_MEMORY = b"ray.exceptions.OutOfMemoryError"


class Reason(StrEnum):
    COMPLETED = "Completed"
    NON_ZERO_EXIT = "NonZeroExit"
    OUT_OF_MEMORY = "OutOfMemory"
    COMMAND_NOT_FOUND = "CommandNotFound"
    SOURCE_MISSING = "SourceMissing"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the runner exits with, and why."""

    reason: Reason
    exit_code: int
    memory_limit: int | None = None
    memory_peak: int | None = None


def decide_outcome(
    exit_code: int,
    *,
    oom_killed: bool,
    memory_limit: int | None,
    memory_peak: int | None,
) -> Outcome:
    """Name the end of a command; a command that succeeded is `Completed` whatever else happened.

    A child that the kernel killed may surface as any non-zero code of its parent, so the kernel's counter
    outranks the code. At an OOM kill the sampled peak is a moment too early: the limit itself was reached.
    """
    if exit_code == 0:
        return Outcome(Reason.COMPLETED, 0, memory_limit, memory_peak)
    if oom_killed:
        peak = max(memory_peak or 0, memory_limit or 0) or None
        return Outcome(Reason.OUT_OF_MEMORY, OUT_OF_MEMORY_EXIT_CODE, memory_limit, peak)
    reason = Reason.COMMAND_NOT_FOUND if exit_code in (126, 127) else Reason.NON_ZERO_EXIT
    return Outcome(reason, exit_code, memory_limit, memory_peak)


def render_outcome(outcome: Outcome) -> str:
    return PREFIX + json.dumps(
        {
            "reason": outcome.reason.value,
            "exitCode": outcome.exit_code,
            "memoryLimit": outcome.memory_limit,
            "memoryPeak": outcome.memory_peak,
        }
    )
