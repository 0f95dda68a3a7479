"""The event loop's turns at a quick model: a slice of its time, a look at its sockets, the next slice.

    sockets ─▶ what was read waits here ─▶ slice: ask, write the answers together ─▶ sockets

Answers of a slice are handed over together: one that is written by itself wakes its reader, who is asleep again by the next, and on a
virtual machine that costs as much as the prediction.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any

from soloist_workloads.serving.threads import DELIVER_WITHIN_SECONDS
from soloist_workloads.serving.way import Entry, answer

# Of the event loop's time, before it looks at its sockets again.
SLICE_SECONDS = 0.001
# While requests are refused: uvloop takes one new connection at each look, so hundreds of clients that come at once would
# wait for as many slices, most of them to be told no.
FULL_SLICE_SECONDS = 0.00025
# Of the time that the loop spent elsewhere, where some of it went into refusing: were a slice not to grow with it, a server with more
# clients than places would do little else, and answer a tenth of what it can. New connections and health checks wait for a slice.
SLICE_TO_ELSEWHERE = 4
MOST_SLICE_SECONDS = 0.1


class Turns:
    """What waits for the event loop; all of it is called there."""

    def __init__(
        self, *, is_full: Callable[[], bool], leave_it: Callable[[Entry[Any, Any]], None]
    ) -> None:
        """`leave_it` takes what the model doesn't answer at once."""
        self._is_full, self._leave_it = is_full, leave_it
        self._entries: deque[Entry[Any, Any]] = deque()
        self._is_coming_back = False
        self._left = 0.0  # when the event loop went elsewhere, with work waiting here
        self._refused = False  # somebody, since then

    def put(self, entry: Entry[Any, Any]) -> None:
        """`entry.done` is called after the event loop has looked at its sockets."""
        self._entries.append(entry)
        self._come_back(entry.loop)

    def note_refusal(self) -> None:
        self._refused = True

    def _come_back(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._is_coming_back:
            self._is_coming_back, self._left = True, monotonic()
            loop.call_soon(self._work)

    def _work(self) -> None:
        began = deliver_from = monotonic()
        least = FULL_SLICE_SECONDS if self._is_full() else SLICE_SECONDS
        elsewhere = began - self._left if self._refused else 0.0
        self._is_coming_back = self._refused = False
        deadline = began + max(least, min(elsewhere * SLICE_TO_ELSEWHERE, MOST_SLICE_SECONDS))
        done: list[Entry[Any, Any]] = []
        while self._entries:
            group = [self._entries.popleft()]
            way = group[0].way
            while len(group) < way.most_at_once and self._entries:
                group.append(self._entries.popleft())
            done += answer(group, way.at_once or way.answerer)
            now = monotonic()
            if now > deadline:
                break
            if now > deliver_from + DELIVER_WITHIN_SECONDS:
                self._deliver(done)
                done, deliver_from = [], now
        self._deliver(done)
        if self._entries:
            self._come_back(self._entries[0].loop)

    def _deliver(self, done: list[Entry[Any, Any]]) -> None:
        for one in done:
            if one.outcome is None:
                self._leave_it(one)
            else:
                one.done(one.outcome)
