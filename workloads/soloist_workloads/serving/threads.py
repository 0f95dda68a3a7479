"""A few threads that take what has gathered, and answer it together.

Waking a thread costs as much as a linear model's prediction. So one that is awake goes on while there is work, and hands its answers
back in one go, a millisecond at most after the first of them. It never waits for more to come: a request that finds a thread idle is
answered by itself, at once.
"""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

from soloist_workloads.serving.way import Entry, answer

DELIVER_WITHIN_SECONDS = 0.001


class Threads:
    """They start with the first question, and end with the process, even in the middle of a prediction."""

    def __init__(self, count: int) -> None:
        self._queue: SimpleQueue[Entry[Any, Any]] = SimpleQueue()
        self._count = count
        self._started = 0

    def put(self, entry: Entry[Any, Any]) -> None:
        """`entry.done` is called on its event loop."""
        # Where questions can go together, a second thread would only split what waits into two calls.
        self._start(1 if entry.way.most > 1 else self._count)
        self._queue.put(entry)

    def _start(self, wanted: int) -> None:
        while self._started < wanted:
            self._started += 1
            name = f"predict-{self._started}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while True:
            group = self._gather(self._queue.get())
            deadline = monotonic() + DELIVER_WITHIN_SECONDS
            done = answer(group, group[0].way.answerer)
            while monotonic() < deadline and (group := self._gather_more()):
                done += answer(group, group[0].way.answerer)
            _deliver(done)

    def _gather_more(self) -> list[Entry[Any, Any]]:
        try:
            return self._gather(self._queue.get_nowait())
        except Empty:
            return []

    def _gather(self, first: Entry[Any, Any]) -> list[Entry[Any, Any]]:
        """What waits by now, as much as may be answered together."""
        group = [first]
        try:
            while len(group) < first.way.most:
                group.append(self._queue.get_nowait())
        except Empty:
            pass
        return group


def _deliver(done: list[Entry[Any, Any]]) -> None:
    loop = done[0].loop
    if not loop.is_closed():  # the process is on its way out, and nobody waits any more
        loop.call_soon_threadsafe(_settle, done)


def _settle(done: list[Entry[Any, Any]]) -> None:
    for entry in done:
        entry.done(entry.outcome)
