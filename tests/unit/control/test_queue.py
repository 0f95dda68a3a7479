"""The queue: dedup, one at a time per key, pauses."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from soloist.control.queue import Queue
from soloist.core.objects import Key
from soloist.core.outcome import Done, Failed, Outcome, Stalled, Waiting
from tests.support.fake_time import run_in_fake_time

A, B = Key("Toy", "here", "a"), Key("Toy", "here", "b")
FAILED = Failed("Bad", "it is bad")


class Bench:
    """A queue with a worker that records when it was called; each call takes `takes` seconds."""

    def __init__(
        self, *outcomes: Outcome, takes: float = 0.0, chance: Callable[[], float] = lambda: 1.0
    ) -> None:
        self.calls: list[tuple[float, str]] = []
        self.busy: set[Key] = set()
        self.most_at_once = 0
        self._outcomes = list(outcomes)
        self._takes = takes
        self.queue = Queue(self._act, chance=chance)

    async def _act(self, key: Key) -> Outcome:
        assert key not in self.busy, "two workers on one key"
        self.busy.add(key)
        self.most_at_once = max(self.most_at_once, len(self.busy))
        self.calls.append((self.now(), key.name))
        await asyncio.sleep(self._takes)
        self.busy.discard(key)
        return self._outcomes.pop(0) if self._outcomes else Done()

    def now(self) -> float:
        return asyncio.get_running_loop().time() - 1000.0

    async def run(self, seconds: float, script: Coroutine[Any, Any, None] | None = None) -> None:
        """Let it work for so long, while `script` happens."""
        work = asyncio.create_task(self.queue.run(workers=4))
        if script is not None:
            await script
        await asyncio.sleep(seconds)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def test_a_key_that_is_added_often_is_worked_on_once() -> None:
    async def main() -> None:
        bench = Bench()
        for _ in range(5):
            bench.queue.add(A)
        await bench.run(1)
        assert len(bench.calls) == 1

    run_in_fake_time(main())


def test_a_key_that_is_added_while_busy_is_worked_on_once_more_after() -> None:
    async def main() -> None:
        bench = Bench(takes=2)

        async def script() -> None:
            bench.queue.add(A)
            await asyncio.sleep(1)
            bench.queue.add(A)
            bench.queue.add(A)

        await bench.run(10, script())
        assert bench.calls == [(0.0, "a"), (2.0, "a")]

    run_in_fake_time(main())


def test_different_keys_run_at_the_same_time() -> None:
    async def main() -> None:
        bench = Bench(takes=1)
        bench.queue.add(A)
        bench.queue.add(B)
        await bench.run(5)
        assert bench.most_at_once == 2

    run_in_fake_time(main())


@pytest.mark.parametrize(
    ("outcome", "after"),
    [
        (Done(timedelta(seconds=30)), 30.0),
        (Waiting("Why", "because", timedelta(seconds=7)), 7.0),
        (FAILED, 0.5),
    ],
    ids=["done but look again", "waiting", "failed"],
)
def test_it_looks_again_when_the_outcome_says(outcome: Outcome, after: float) -> None:
    async def main() -> None:
        bench = Bench(outcome)
        bench.queue.add(A)
        await bench.run(100)
        assert [at for at, _ in bench.calls] == [0.0, pytest.approx(after)]

    run_in_fake_time(main())


@pytest.mark.parametrize("outcome", [Done(), Stalled("Why", "because")], ids=["done", "stalled"])
def test_it_leaves_in_peace_what_is_done_or_stalled(outcome: Outcome) -> None:
    async def main() -> None:
        bench = Bench(outcome)
        bench.queue.add(A)
        await bench.run(10_000)
        assert len(bench.calls) == 1

    run_in_fake_time(main())


def test_pauses_grow_to_ten_seconds_and_shrink_after_a_success() -> None:
    async def main() -> None:
        bench = Bench(*[FAILED] * 8, Done(timedelta(seconds=1)), FAILED)
        bench.queue.add(A)
        await bench.run(100)
        times = [at for at, _ in bench.calls]
        pauses = [round(later - earlier, 2) for earlier, later in itertools.pairwise(times)]
        assert pauses == [0.5, 1, 2, 4, 8, 10, 10, 10, 1, 0.5]

    run_in_fake_time(main())


def test_a_wake_cuts_a_pause_short_and_replaces_it() -> None:
    async def main() -> None:
        bench = Bench(*[FAILED] * 6, Done())

        async def script() -> None:
            bench.queue.add(A)
            await asyncio.sleep(16)  # in the middle of the longest pause
            bench.queue.add(A)

        await bench.run(60, script())
        assert [at for at, _ in bench.calls] == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 16]

    run_in_fake_time(main())


def test_the_sooner_of_two_timers_stays() -> None:
    async def main() -> None:
        bench = Bench()
        bench.queue.add_after(A, timedelta(seconds=5))
        bench.queue.add_after(A, timedelta(seconds=9))
        bench.queue.add_after(A, timedelta(seconds=3))
        await bench.run(20)
        assert bench.calls == [(3.0, "a")]

    run_in_fake_time(main())


def test_what_is_forgotten_is_not_looked_at_again() -> None:
    async def main() -> None:
        bench = Bench(FAILED)

        async def script() -> None:
            bench.queue.add(A)
            await asyncio.sleep(0.1)
            bench.queue.forget(A)

        await bench.run(60, script())
        assert len(bench.calls) == 1

    run_in_fake_time(main())


def test_one_object_that_fails_keeps_no_other_from_its_turn() -> None:
    async def main() -> None:
        bench = Bench(FAILED, Done())
        bench.queue.add(A)
        bench.queue.add(B)
        await bench.run(0.1)
        assert [name for _, name in bench.calls] == ["a", "b"]

    run_in_fake_time(main())


def test_the_depth_is_told() -> None:
    async def main() -> None:
        depths: list[int] = []

        async def act(key: Key) -> Outcome:
            return Done()

        queue = Queue(act, chance=lambda: 0.0, depth=depths.append)
        queue.add(A)
        queue.add(B)
        assert queue.waiting() == 2
        work = asyncio.create_task(queue.run(workers=1))
        await asyncio.sleep(1)
        work.cancel()
        assert (max(depths), depths[-1]) == (2, 0)

    run_in_fake_time(main())
