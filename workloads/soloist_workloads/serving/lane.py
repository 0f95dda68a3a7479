"""The way to the model: a bounded number of requests, answered by a few threads.

Predictions never run on the event loop, so health checks are answered whatever the model does. The bound
keeps a slow model from gathering requests that their senders gave up on: beyond it, a request is refused at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from soloist_workloads.serving.problem import RequestProblem

MOST_IN_FLIGHT = 128
RETRY_AFTER_SECONDS = 1

Answer = TypeVar("Answer")


class Lane:
    """Admits, then runs."""

    def __init__(self, *, threads: int, most_in_flight: int = MOST_IN_FLIGHT) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="predict")
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

    async def run(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)
