"""How long to wait before the next try."""

from __future__ import annotations

from datetime import timedelta

FIRST = timedelta(seconds=0.5)
# A cause that went away is noticed within this time: a quota that was raised, a tracking server that came back.
LONGEST = timedelta(seconds=10)
FACTOR = 2.0


def delay(failures: int, chance: float) -> timedelta:
    """The wait after `failures` failures in a row: doubling from half a second to ten, spread by `chance` in [0, 1).

    The spread (half to whole) keeps a thousand objects that failed together from coming back together.
    """
    whole = min(FIRST * FACTOR ** max(failures - 1, 0), LONGEST) if failures < 32 else LONGEST
    return whole * (0.5 + chance / 2)
