"""Whether a model is quick enough to be asked on the event loop, from what it took so far.

Waking a thread for a prediction of a tenth of a millisecond costs more than the prediction, and the two then take turns at
the interpreter. But what runs on the event loop keeps health checks waiting. So a model has to show first that it's quick, in a
thread, and goes back there when it wasn't.
"""

from __future__ import annotations

QUICK_SECONDS = 0.001
# On a busy node other processes make any prediction late now and then, so one in four is forgiven.
PRICE, CREDIT = 4, 32
# Quick ones in a row, at the beginning and after it was found slow.
FIRST_TRIAL, TRIAL = 16, 256


class Pace:
    """Begins in a thread. Written by threads and the event loop; a count that gets lost costs nothing."""

    def __init__(self) -> None:
        self._debt = CREDIT + FIRST_TRIAL

    @property
    def is_quick(self) -> bool:
        return self._debt <= CREDIT

    def note(self, seconds: float) -> None:
        """A prediction took so long."""
        if seconds <= QUICK_SECONDS:
            self._debt = max(self._debt - 1, 0)
            return
        was_quick = self.is_quick
        self._debt = min(self._debt + PRICE, CREDIT + TRIAL)
        if was_quick and not self.is_quick:
            self._debt = CREDIT + TRIAL
