"""Which objects to look at, and when: each at most once at a time, failures with growing pauses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import assert_never

from soloist.core.backoff import delay
from soloist.core.objects import Key
from soloist.core.outcome import Done, Failed, Outcome, Stalled, Waiting

Act = Callable[[Key], Awaitable[Outcome]]


class Queue:
    """A deduplicating queue. A key that is added while it is worked on is worked on once more afterwards.

    All methods belong to the event loop that runs it. `chance` gives numbers in [0, 1) that spread the retries.
    """

    def __init__(
        self,
        act: Act,
        *,
        chance: Callable[[], float],
        depth: Callable[[int], None] = lambda waiting: None,
    ) -> None:
        self._act = act
        self._chance = chance
        self._depth = depth
        self._ready: dict[Key, None] = {}  # a dict, for its order
        self._busy: set[Key] = set()
        self._again: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._signal = asyncio.Event()

    def add(self, key: Key) -> None:
        """Look at this object as soon as a worker is free."""
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if key in self._busy:
            self._again.add(key)
            return
        self._ready[key] = None
        self._changed()

    def add_after(self, key: Key, after: timedelta) -> None:
        """Look at this object after a while, unless something wakes it before. The sooner of two timers stays."""
        if key in self._ready or key in self._again:
            return
        loop = asyncio.get_running_loop()
        when = loop.time() + after.total_seconds()
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= when:
                return
            timer.cancel()
        self._timers[key] = loop.call_at(when, self.add, key)

    def forget(self, key: Key) -> None:
        """The object is gone: no timers, no memory of its failures."""
        self._failures.pop(key, None)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def waiting(self) -> int:
        """How many objects wait for a worker now."""
        return len(self._ready)

    async def run(self, workers: int) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            while not self._ready:
                self._signal.clear()
                await self._signal.wait()
            key = next(iter(self._ready))
            del self._ready[key]
            self._busy.add(key)
            self._changed()
            try:
                outcome = await self._act(key)
            finally:
                self._busy.discard(key)
            self._settle(key, outcome)

    def _settle(self, key: Key, outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            self._failures[key] = self._failures.get(key, 0) + 1
        else:
            self._failures.pop(key, None)
        if key in self._again:
            self._again.discard(key)
            self.add(key)
            return
        after = self._pause(key, outcome)
        if after is not None:
            self.add_after(key, after)

    def _pause(self, key: Key, outcome: Outcome) -> timedelta | None:
        match outcome:
            case Done(again):
                return again
            case Waiting(_, _, after):
                return after
            case Failed():
                return delay(self._failures[key], self._chance())
            case Stalled():
                return None
            case _:
                assert_never(outcome)

    def _changed(self) -> None:
        self._depth(len(self._ready))
        if self._ready:
            self._signal.set()
