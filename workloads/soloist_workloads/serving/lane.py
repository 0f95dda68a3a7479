"""The way to the model: a bounded number of requests, answered by a few threads that take what has gathered.

Predictions never run on the event loop, so health checks are answered whatever the model does. The bound
keeps a slow model from gathering requests that their senders gave up on: beyond it, a request is refused at once.

    event loop ─▶ queue ─▶ thread: take what is there ─▶ answer ─▶ deliver together ─▶ event loop

Waking a thread costs as much as a linear model's prediction. So a thread that is awake goes on while there is work,
and hands its answers back in one go, a millisecond at most after the first of them. It never waits for more to come: a
request that finds a thread idle is answered by itself, at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Generic, TypeVar

from soloist_workloads.serving.problem import RequestProblem

MOST_IN_FLIGHT = 128
RETRY_AFTER_SECONDS = 1
DELIVER_WITHIN_SECONDS = 0.001

Question = TypeVar("Question")
Answer = TypeVar("Answer")
Answerer = Callable[[Sequence[Question]], "Sequence[Answer | Exception]"]


@dataclass(slots=True, eq=False)
class _Entry(Generic[Question, Answer]):
    """One question and where its answer is awaited."""

    question: Question
    answerer: Answerer[Question, Answer]
    most: int
    future: asyncio.Future[Answer]
    outcome: Any = None


class Lane:
    """Admits, then runs."""

    def __init__(self, *, threads: int, most_in_flight: int = MOST_IN_FLIGHT) -> None:
        self._queue: SimpleQueue[_Entry[Any, Any]] = SimpleQueue()
        self._threads = threads
        self._started = 0
        self._most_in_flight = most_in_flight
        self.in_flight = 0

    def enter(self) -> None:
        """Take a place before the body is read: bodies are what fills memory."""
        if self.in_flight >= self._most_in_flight:
            raise RequestProblem(
                f"The model is busy with {self.in_flight} requests. Try again in a second.",
                status=503,
                code="TEMPORARILY_UNAVAILABLE",
            )
        self.in_flight += 1

    def leave(self) -> None:
        self.in_flight -= 1

    async def run(
        self, question: Question, answerer: Answerer[Question, Answer], *, most: int = 1
    ) -> Answer:
        """The answer; the answerer may be given up to `most` questions that wait, this one among them."""
        # Where questions can go together, a second thread would only split what waits into two calls.
        self._start_threads(1 if most > 1 else self._threads)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.put(_Entry(question, answerer, most, future))
        return await future

    def _start_threads(self, wanted: int) -> None:
        """With the first question. They end with the process, even in the middle of a prediction."""
        while self._started < wanted:
            self._started += 1
            name = f"predict-{self._started}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while True:
            group = self._gather(self._queue.get())
            deadline = monotonic() + DELIVER_WITHIN_SECONDS
            done = _answer(group)
            while monotonic() < deadline and (group := self._gather_more()):
                done += _answer(group)
            _deliver(done)

    def _gather_more(self) -> list[_Entry[Any, Any]]:
        try:
            return self._gather(self._queue.get_nowait())
        except Empty:
            return []

    def _gather(self, first: _Entry[Any, Any]) -> list[_Entry[Any, Any]]:
        """What waits by now, as much as may be answered together."""
        group = [first]
        try:
            while len(group) < first.most:
                group.append(self._queue.get_nowait())
        except Empty:
            pass
        return group


def _answer(group: list[_Entry[Any, Any]]) -> list[_Entry[Any, Any]]:
    """Whatever goes wrong belongs to the requests, never to the thread."""
    try:
        outcomes = group[0].answerer([entry.question for entry in group])
    except Exception as error:
        outcomes = [error] * len(group)
    except (
        BaseException
    ) as error:  # a model that calls sys.exit() would end the thread, and with it all answers
        outcomes = [RuntimeError(f"the model raised {error!r}")] * len(group)
    for entry, outcome in zip(group, outcomes, strict=True):
        entry.outcome = outcome
    return group


def _deliver(done: list[_Entry[Any, Any]]) -> None:
    loop = done[0].future.get_loop()
    if not loop.is_closed():  # the process is on its way out, and nobody waits any more
        loop.call_soon_threadsafe(_settle, done)


def _settle(done: list[_Entry[Any, Any]]) -> None:
    for entry in done:
        if entry.future.done():  # its request was cancelled
            continue
        if isinstance(entry.outcome, Exception):
            entry.future.set_exception(entry.outcome)
        else:
            entry.future.set_result(entry.outcome)
