"""How quick a model is, from what it took so far: where it's asked, and how many requests may wait for it.

Waking a thread for a prediction of a tenth of a millisecond costs more than the prediction, and the two then take turns at
the interpreter. But what runs on the event loop keeps health checks waiting. So a model has to show first that it's quick, in a
thread, and goes back there when it wasn't.

Where there is one processor a thread gains nothing: whatever the model computes, the event loop can't. There a forest's sixty
predictions together may be asked on the event loop too, and a health check waits for them as it would for the processor.
"""

from __future__ import annotations

from soloist_workloads.processors import count_processors

QUICK_SECONDS = 0.001
# A call that may run on the event loop of a server with one processor.
BRIEF_SECONDS = 0.02
# On a busy node other processes make any prediction late now and then, so one in four is forgiven.
PRICE, CREDIT = 4, 32
# Quick ones in a row, at the beginning and after it was found slow.
FIRST_TRIAL, TRIAL = 16, 256


class Trial:
    """Whether something keeps to a time. Written by threads and the event loop; a count that gets lost costs nothing."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._debt = CREDIT + FIRST_TRIAL
        self.is_passed = False

    def note(self, seconds: float, *, times: int = 1) -> None:
        """It took so long, so many times in a row."""
        if seconds <= self._seconds:
            self._debt = max(self._debt - times, 0)
        else:
            self._debt = min(self._debt + PRICE, CREDIT + TRIAL)
            if self.is_passed and self._debt > CREDIT:
                self._debt = CREDIT + TRIAL
        self.is_passed = self._debt <= CREDIT


class Pace:
    """Begins slow."""

    def __init__(self, *, processors: int | None = None) -> None:
        one = (processors or count_processors()) == 1
        self._calls = Trial(BRIEF_SECONDS if one else QUICK_SECONDS)
        self._shares = Trial(QUICK_SECONDS)

    @property
    def is_brief(self) -> bool:
        """Whether a call of the model may keep the event loop."""
        return self._calls.is_passed

    @property
    def is_quick(self) -> bool:
        """Whether many may wait for the model: each has its answer soon, alone or together with others."""
        return self._shares.is_passed

    def note(self, seconds: float, *, questions: int = 1, calls: int = 1) -> None:
        """Calls with so many questions, all in all, took so long."""
        self._calls.note(seconds / calls, times=calls)
        self._shares.note(seconds / questions, times=questions)
