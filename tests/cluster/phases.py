"""Says what is being done and how long it took."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from tests.cluster.trouble import Trouble


def say(line: str) -> None:
    """Print to standard error: standard output belongs to what a command answers."""
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def phase(doing: str) -> Iterator[None]:
    """Announce one step and its duration; a step that fails is announced as such."""
    started = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"  {time.monotonic() - started:6.1f} s  failed: {doing}")
        raise
    say(f"  {time.monotonic() - started:6.1f} s  {doing}")


def until(what: str, done: Callable[[], bool], *, within: float, every: float = 0.1) -> None:
    """Wait for a condition of the outside world."""
    deadline = time.monotonic() + within
    while not done():
        if time.monotonic() > deadline:
            raise Trouble(f"{what} did not happen within {within:.0f} s.")
        time.sleep(every)
