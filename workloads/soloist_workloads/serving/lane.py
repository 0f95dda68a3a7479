"""The way to the model: a bounded number of requests, answered by a few threads, or on the event loop.

Predictions don't run on the event loop, so health checks are answered whatever the model does. The bound
keeps a slow model from gathering requests that their senders gave up on: beyond it, a request is refused at once.

    event loop ─▶ a place? ─┬─▶ threads: take what is there ─▶ answer ─▶ deliver together ─▶ event loop
                            └─▶ turns: a slice of the event loop's own time, for models that have shown that they need less
                                than the hop to a thread and back (`pace`)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.threads import Threads
from soloist_workloads.serving.turns import Turns
from soloist_workloads.serving.way import Answer, Entry, Question, Way

MOST_IN_FLIGHT = 128
# As many as two gateways have under way: 2,048, which a quick model answers within tenths of a second. They come at once when the
# node was busy elsewhere for a moment, or when another pod's clients come over: refusing them would make a failure of a pause.
QUICK_FACTOR = 16
RETRY_AFTER_SECONDS = 1


class Lane:
    """Admits, then runs."""

    def __init__(self, *, threads: int, most_in_flight: int = MOST_IN_FLIGHT) -> None:
        self._most_in_flight = most_in_flight
        self._threads = Threads(threads)
        self._turns = Turns(is_full=self.is_full, leave_it=self._threads.put)
        self.in_flight = 0

    def is_full(self, *, quick: bool = False) -> bool:
        """Whether a request is refused; `quick`: it is small, and the model needs less than a millisecond for it."""
        return self.in_flight >= self._most_in_flight * (QUICK_FACTOR if quick else 1)

    def enter(self, *, quick: bool = False) -> None:
        """Take a place before the body is read: bodies are what fills memory."""
        if not self.try_enter(quick=quick):
            raise self.refusal()

    def try_enter(self, *, quick: bool = False) -> bool:
        """Whether there was a place."""
        if self.is_full(quick=quick):
            self._turns.note_refusal()
            return False
        self.in_flight += 1
        return True

    def refusal(self) -> RequestProblem:
        return RequestProblem(
            "The model is busy with as many requests as it may have. Try again in a second.",
            status=503,
            code="TEMPORARILY_UNAVAILABLE",
        )

    def leave(self) -> None:
        self.in_flight -= 1

    async def run(self, question: Question, way: Way[Question, Answer]) -> Answer:
        """The answer."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def done(outcome: Any) -> None:
            if future.done():  # its request was cancelled
                return
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        self.submit(question, way, done)
        return await future

    def submit(
        self,
        question: Question,
        way: Way[Question, Answer],
        done: Callable[[Answer | Exception], None],
    ) -> None:
        """As `run`, for those who don't await: `done` is called on the event loop, never from within this call."""
        entry = Entry(question, way, done, asyncio.get_running_loop())
        if way.at_once is None:
            self._threads.put(entry)
        else:
            self._turns.put(entry)
