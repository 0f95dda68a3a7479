"""Keeps a model's own process: starts it, passes requests, and starts it again when it ends.

    lane threads ─ask─▶ parcels ─▶ process        a reader thread ◀─ answers, in any order
                                       └─ ends ─▶ every open request fails, then the next process after a pause

Whatever the model does in there (hold the interpreter's lock, crash, fill its memory), this process goes on answering
health checks, and says that it isn't ready while there is no model.
"""

from __future__ import annotations

import atexit
import itertools
import logging
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from soloist_workloads.serving.parcels import FAILED, ID, READY, pack, unpack, unpack_answer
from soloist_workloads.serving.problem import ModelProblem, RequestProblem
from soloist_workloads.serving.scorer import Reply

LOG = logging.getLogger(__name__)

# Doubled from the first to the last while the process ends before it is ready; a model that loads is back at once.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 30.0
# A request that takes longer has a model that hangs: only a new process can help the requests after it.
LONGEST_ANSWER_SECONDS = 300.0

STARTING_AGAIN = "The model's process ended and is starting again. Try again in a second."


class Attendant:
    """One process at a time. `ask` may be called from several threads."""

    def __init__(
        self, command: Sequence[str], *, longest_seconds: float = LONGEST_ANSWER_SECONDS
    ) -> None:
        """`command` gets the number of its end of a socket as one more argument."""
        self._command = command
        self._longest_seconds = longest_seconds
        self._numbers = itertools.count()
        self._open: dict[int, Future[Reply]] = {}
        self._sending = threading.Lock()
        self._connection: Connection | None = None  # None while no process is ready
        self._process: subprocess.Popen[bytes] | None = None
        self._first: Future[None] = Future()
        self._closed = threading.Event()
        self._tell: Callable[[bool], None] = lambda _is_up: None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Returns when the model is ready; raises `ModelProblem` when it can't be loaded the first time."""
        atexit.register(self.close)
        threading.Thread(target=self._attend, name="attendant", daemon=True).start()
        try:
            self._first.result()
        except ModelProblem:
            self.close()
            raise

    def watch(self, tell: Callable[[bool], None]) -> None:
        """`tell` hears whether there is a model, now and whenever that changes."""
        self._tell = tell
        tell(self._connection is not None)

    def close(self) -> None:
        self._closed.set()
        if self._process is not None:
            self._process.kill()
        atexit.unregister(self.close)

    def ask(self, question: Mapping[str, Any], body: bytes) -> Reply:
        number, future = next(self._numbers), Future[Reply]()
        with self._sending:  # a parcel must not be cut by another
            connection = self._connection
            if connection is None:
                raise RequestProblem(STARTING_AGAIN, status=503, code="TEMPORARILY_UNAVAILABLE")
            self._open[number] = future
            with suppress(
                OSError
            ):  # it has just ended: the reader knows how, and fails this one too
                connection.send_bytes(pack({ID: number, **question}, body))
        try:
            return future.result(self._longest_seconds)
        except TooLate:
            raise self._give_up() from None
        finally:
            self._open.pop(number, None)

    def _give_up(self) -> RequestProblem:
        if self._process is not None:
            self._process.kill()
        return RequestProblem(
            f"The model gave no answer within {self._longest_seconds:g} s, so its process is started again.",
            status=500,
            code="INTERNAL_ERROR",
            is_models=True,
        )

    def _attend(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._closed.is_set():
            was_ready, end = self._run()
            if self._closed.is_set():
                return
            if not self._first.done():
                self._first.set_exception(ModelProblem(end))
                return
            pause = FIRST_PAUSE_SECONDS if was_ready else min(2 * pause, LONGEST_PAUSE_SECONDS)
            LOG.warning("%s Starting it again in %.1f s.", end, pause)
            self._closed.wait(pause)

    def _run(self) -> tuple[bool, str]:
        """One process from start to end: whether it ever was ready, and how it ended."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [*self._command, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C in a terminal is the server's to handle
            )
        was_ready, problem = False, ""
        with Connection(ours.detach()) as connection:
            for told, body in _parcels(connection):
                if told.get(READY):
                    was_ready = True
                    self._become_ready(connection)
                elif FAILED in told:
                    problem = str(told[FAILED])
                else:
                    self._answer(told, body)
            with self._sending:
                self._connection = None
            if was_ready:
                self._tell(False)
        self._process.kill()  # it may have closed its end only
        end = problem or f"The model's process {describe_end(self._process.wait())}."
        self._fail_open(end)
        return was_ready, end

    def _become_ready(self, connection: Connection) -> None:
        self._connection = connection
        if not self._first.done():
            self._first.set_result(None)
        self._tell(True)

    def _answer(self, told: Mapping[str, Any], body: bytes) -> None:
        future = self._open.get(told[ID])
        if future is None:
            return  # nobody waits any more
        match unpack_answer(told, body):
            case Reply() as reply:
                future.set_result(reply)
            case RequestProblem() as problem:
                future.set_exception(problem)

    def _fail_open(self, end: str) -> None:
        for future in list(self._open.values()):
            if not future.done():
                future.set_exception(
                    RequestProblem(
                        f"{end} It happened while this request was answered, and it is starting again. A request "
                        "that ends it each time is one that the model can't predict.",
                        status=500,
                        code="INTERNAL_ERROR",
                        is_models=True,
                    )
                )


def _parcels(connection: Connection) -> Any:
    while True:
        try:
            parcel = connection.recv_bytes()
        except (EOFError, OSError):
            return
        yield unpack(parcel)


def describe_end(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    name = signal.Signals(-code).name
    because = ", most likely because memory ran out" if name == "SIGKILL" else ""
    return f"was killed by {name}{because}"
