"""The only way in which a story waits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

EVERY = 0.3
# Waits that are no promise of ours are this much longer than they need to be on a machine of two idle cores. What is
# promised in seconds is never stretched.
PATIENCE = float(os.environ.get("SOLOIST_PATIENCE", "2"))


class NotYet(AssertionError):
    """What was waited for did not happen; the message says what was seen last."""


def eventually(
    look: Callable[[], T], *, within: float, what: str = "", last: Callable[[], str] | None = None
) -> T:
    """The first true value of `look`; an error inside it counts as "not yet".

    `last` tells, at the end only, what the world looked like instead.
    """
    started = time.monotonic()
    seen: object = None
    while True:
        try:
            found = look()
        except NotYet:
            raise
        except (AssertionError, KeyError, IndexError, LookupError, OSError, TypeError) as error:
            seen = error
        else:
            if found:
                return found
            seen = found
        if time.monotonic() - started > within:
            told = last() if last is not None else repr(seen)
            raise NotYet(f"{what or 'what was expected'}: not within {within:g} s. Seen: {told}")
        time.sleep(EVERY)


def never(look: Callable[[], object], *, during: float, what: str) -> None:
    """`look` stays false for the whole while; a failure says what became true."""
    ends = time.monotonic() + during
    while time.monotonic() < ends:
        found = look()
        assert not found, f"{what}: {found!r}"
        time.sleep(EVERY)


def moment(at: float) -> None:
    """Let the time `at` (of time.monotonic) come; for faults that strike at a chosen moment."""
    while (left := at - time.monotonic()) > 0:
        time.sleep(min(left, EVERY))
