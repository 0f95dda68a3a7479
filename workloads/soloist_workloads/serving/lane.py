"""The way to the model: a bounded number of requests, answered by a few threads that take what has gathered.

Predictions don't run on the event loop, so health checks are answered whatever the model does. The bound
keeps a slow model from gathering requests that their senders gave up on: beyond it, a request is refused at once.

    event loop ─▶ queue ─▶ thread: take what is there ─▶ answer ─▶ deliver together ─▶ event loop

Waking a thread costs as much as a linear model's prediction. So a thread that is awake goes on while there is work,
and hands its answers back in one go, a millisecond at most after the first of them. It never waits for more to come: a
request that finds a thread idle is answered by itself, at once.

The exception are models that have shown that they need less time than the hop (`pace`): they are asked on the event
loop, a slice of its time after the other. Between two of those it reads, refuses and answers health checks. Here too answers
are handed over together: one that is written by itself wakes its reader, who is asleep again by the next, and on a virtual machine that
costs as much as the prediction.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Generic, TypeVar

from soloist_workloads.serving.problem import RequestProblem

MOST_IN_FLIGHT = 128
# As many as two gateways have under way: 2,048, which a quick model answers within tenths of a second. They come at once when the
# node was busy elsewhere for a moment, or when another pod's clients come over: refusing them would make a failure of a pause.
QUICK_FACTOR = 16
RETRY_AFTER_SECONDS = 1
DELIVER_WITHIN_SECONDS = 0.001
# Of the event loop's time, before it looks at its sockets again.
SLICE_SECONDS = 0.001
# While requests are refused: uvloop takes one new connection at each look, so hundreds of clients that come at once would
# wait for as many slices, most of them to be told no.
FULL_SLICE_SECONDS = 0.00025
# Of the time that the loop spent elsewhere, where some of it went into refusing: were a slice not to grow with it, a server with more
# clients than places would do little else, and answer a tenth of what it can. New connections and health checks wait for a slice.
SLICE_TO_ELSEWHERE = 4
MOST_SLICE_SECONDS = 0.1

Question = TypeVar("Question")
Answer = TypeVar("Answer")
Answerer = Callable[[Sequence[Question]], "Sequence[Answer | Exception]"]
# The same without a thread; None for a question that it leaves to one.
AtOnce = Callable[[Sequence[Question]], "Sequence[Answer | Exception | None]"]


@dataclass(frozen=True, slots=True)
class Way(Generic[Question, Answer]):
    """From a question to its answer: by a thread, or at once, on the event loop."""

    answerer: Answerer[Question, Answer]
    most: int = 1
    """Questions that a thread may give it together."""
    at_once: AtOnce[Question, Answer] | None = None
    """Where the model is quick enough to be asked on the event loop."""
    most_at_once: int = 1
    """Questions that it may be given there."""
    is_quick: bool = False
    """Many may wait: each has its answer soon."""


@dataclass(slots=True, eq=False)
class _Entry(Generic[Question, Answer]):
    """One question and who waits for its answer."""

    question: Question
    way: Way[Question, Answer]
    done: Callable[[Any], None]
    loop: asyncio.AbstractEventLoop
    outcome: Any = None


class Lane:
    """Admits, then runs."""

    def __init__(self, *, threads: int, most_in_flight: int = MOST_IN_FLIGHT) -> None:
        self._queue: SimpleQueue[_Entry[Any, Any]] = SimpleQueue()
        self._here: deque[_Entry[Any, Any]] = deque()
        self._threads = threads
        self._started = 0
        self._is_coming_back = False
        self._left = 0.0  # when the event loop went elsewhere, with work waiting here
        self._refused = False  # somebody, since then
        self._most_in_flight = most_in_flight
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
            self._refused = True
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
        loop = asyncio.get_running_loop()
        entry = _Entry(question, way, done, loop)
        if way.at_once is None:
            self._to_thread(entry)
            return
        self._here.append(entry)
        self._come_back(loop)

    def _to_thread(self, entry: _Entry[Any, Any]) -> None:
        # Where questions can go together, a second thread would only split what waits into two calls.
        self._start_threads(1 if entry.way.most > 1 else self._threads)
        self._queue.put(entry)

    def _come_back(self, loop: asyncio.AbstractEventLoop) -> None:
        """After the event loop has looked at its sockets."""
        if not self._is_coming_back:
            self._is_coming_back, self._left = True, monotonic()
            loop.call_soon(self._work_here)

    def _work_here(self) -> None:
        began = deliver_from = monotonic()
        least = FULL_SLICE_SECONDS if self.is_full() else SLICE_SECONDS
        elsewhere = began - self._left if self._refused else 0.0
        self._is_coming_back = self._refused = False
        deadline = began + max(least, min(elsewhere * SLICE_TO_ELSEWHERE, MOST_SLICE_SECONDS))
        done: list[_Entry[Any, Any]] = []
        while self._here:
            group = [self._here.popleft()]
            way = group[0].way
            while len(group) < way.most_at_once and self._here:
                group.append(self._here.popleft())
            done += _answer(group, way.at_once or way.answerer)
            now = monotonic()
            if now > deadline:
                break
            if now > deliver_from + DELIVER_WITHIN_SECONDS:
                self._deliver_here(done)
                done, deliver_from = [], now
        self._deliver_here(done)
        if self._here:
            self._come_back(self._here[0].loop)

    def _deliver_here(self, done: list[_Entry[Any, Any]]) -> None:
        for one in done:
            if one.outcome is None:
                self._to_thread(one)
            else:
                one.done(one.outcome)

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
            done = _answer(group, group[0].way.answerer)
            while monotonic() < deadline and (group := self._gather_more()):
                done += _answer(group, group[0].way.answerer)
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
            while len(group) < first.way.most:
                group.append(self._queue.get_nowait())
        except Empty:
            pass
        return group


def _answer(
    group: list[_Entry[Any, Any]], answerer: Callable[[Sequence[Any]], Sequence[Any]]
) -> list[_Entry[Any, Any]]:
    """Whatever goes wrong belongs to the requests, never to the thread."""
    try:
        outcomes = answerer([entry.question for entry in group])
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
    loop = done[0].loop
    if not loop.is_closed():  # the process is on its way out, and nobody waits any more
        loop.call_soon_threadsafe(_settle, done)


def _settle(done: list[_Entry[Any, Any]]) -> None:
    for entry in done:
        entry.done(entry.outcome)
