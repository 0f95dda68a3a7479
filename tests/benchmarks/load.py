"""The load: wrk for closed loops, and a small open loop that sends by the clock, whether the server answers or not."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import IO, Any

from tests.benchmarks.processes import LOAD_CPU

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
LAST_ANSWERS_SECONDS = 10.0
MOST_CONNECTIONS = 512
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 60e3}


@dataclass(frozen=True, slots=True)
class Load:
    """What a load saw; milliseconds from the moment a request was due."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    refused: int = 0
    failed: int = 0
    slowest_refusal_ms: float = 0.0
    p50_refusal_ms: float = 0.0
    p99_refusal_ms: float = 0.0
    latest_send_ms: float = 0.0
    """How far the load itself fell behind its clock: beyond a few milliseconds it is the load that is measured."""


def run_closed(port: int, path: str, body: Any, *, connections: int, seconds: int) -> Load:
    """wrk: each connection sends its next request when it has its answer."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        command = command_of_wrk(file, port, path, body, connections=connections, seconds=seconds)
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    load = parse_wrk(text)
    # Nobody asks for too much here, so a refusal is a failure too.
    return replace(load, refused=0, failed=load.failed + load.refused)


def command_of_wrk(
    script: IO[str], port: int, path: str, body: Any, *, connections: int, seconds: int
) -> list[str]:
    """Writes the request to the end of its script."""
    script.write(
        f'wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
        f"wrk.body = [==[{json.dumps(body)}]==]\n"
    )
    script.flush()
    return [
        "taskset", "-c", LOAD_CPU, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s",
        "--latency", "-s", script.name, f"http://127.0.0.1:{port}{path}",
    ]  # fmt: skip


def parse_wrk(text: str) -> Load:
    def find(pattern: str, default: str = "0") -> str:
        found = re.search(pattern, text)
        return found[1] if found else default

    def milliseconds(share: str) -> float:
        number = find(rf"\n\s+{share}%\s+(\S+)", "0us")
        value, unit = re.fullmatch(r"([\d.]+)(\w+)", number).groups()  # type: ignore[union-attr]
        return float(value) * UNITS[unit]

    errors = re.findall(r"(?:connect|read|write|timeout) (\d+)", text)
    return Load(
        requests=int(find(r"(\d+) requests in")),
        per_second=float(find(r"Requests/sec:\s+(\S+)")),
        p50_ms=milliseconds("50"),
        p99_ms=milliseconds("99"),
        refused=int(find(r"Non-2xx or 3xx responses: (\d+)")),
        failed=sum(map(int, errors)),
    )


def run_open(port: int, path: str, body: Any, *, per_second: int, seconds: int) -> Load:
    """In a process of its own, so that it can be pinned, and goes before wrk where the two share a core."""
    words = [str(port), path, json.dumps(body), str(per_second), str(seconds)]
    text = subprocess.run(
        ["nice", "-n", "-20", "taskset", "-c", LOAD_CPU, sys.executable, "-m", "tests.benchmarks.load", *words],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return Load(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Seen:
    """One request: its answer's status (0 for none), and its time from when it was due, and from when it was sent."""

    status: int
    since_due: float
    since_sent: float


class Connection(asyncio.Protocol):
    """Sends one request at a time. Streams and tasks would make the load dearer than what it measures."""

    def __init__(self, pool: Pool, due: float) -> None:
        self._pool, self._due, self._sent = pool, due, 0.0
        self._received = b""
        self._transport: Any = None  # uvloop's are not asyncio's own

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.send(self._due)

    def send(self, due: float) -> None:
        self._due, self._sent, self._received = due, time.perf_counter(), b""
        self._transport.write(self._pool.request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or not _is_whole(head, body):
            return
        self._end(int(head[9:12]))
        if CLOSES.search(head) is None:
            self._pool.offer(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.lose()
        if self in self._pool.idle:
            self._pool.idle.remove(self)
        elif self._sent:
            self._end(0)

    def _end(self, status: int) -> None:
        now = time.perf_counter()
        self._pool.note(Seen(status, now - self._due, now - self._sent))
        self._sent = 0.0


def _is_whole(head: bytes, body: bytes) -> bool:
    """Whether an answer has come to its end; Ray Serve's are in chunks."""
    length = LENGTH.search(head)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


@dataclass(slots=True)
class Pool:
    """Connections that wait for a request; a new one is opened when none does, as many as a gateway would.

    More would measure how long the kernel lets a connection wait for its second try.
    """

    port: int
    request: bytes
    idle: list[Connection] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    latest_send: float = 0.0
    awaited: int = 0
    count: int = 0
    overdue: deque[float] = field(default_factory=deque)
    opening: set[asyncio.Task[None]] = field(default_factory=set)
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, seen: Seen) -> None:
        self.seen.append(seen)
        if len(self.seen) == self.awaited:
            self.complete.set()

    def offer(self, connection: Connection) -> None:
        if self.overdue:
            connection.send(self.overdue.popleft())
        else:
            self.idle.append(connection)

    def start(self, due: float) -> None:
        if self.idle:
            self.idle.pop().send(due)
        elif self.count >= MOST_CONNECTIONS:
            self.overdue.append(due)
        else:
            self.count += 1
            task = asyncio.create_task(self.open(due))
            self.opening.add(task)
            task.add_done_callback(self.opening.discard)

    def lose(self) -> None:
        self.count -= 1
        if self.overdue:
            self.start(self.overdue.popleft())

    async def open(self, due: float) -> None:
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: Connection(self, due), "127.0.0.1", self.port)
        except OSError:
            self.lose()
            self.note(Seen(0, time.perf_counter() - due, 0.0))


async def send_by_the_clock(
    port: int, path: str, body: str, per_second: int, seconds: int
) -> dict[str, Any]:
    request = (
        f"POST {path} HTTP/1.1\r\nhost: m\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}"
    ).encode()
    pool = Pool(port, request)
    began, count = time.perf_counter(), per_second * seconds
    for number in range(count):
        due = began + number / per_second
        early = due - time.perf_counter()
        if early > 0 or number % 16 == 0:  # behind the clock, answers are read all the same
            await asyncio.sleep(max(early, 0))
        pool.latest_send = max(pool.latest_send, time.perf_counter() - due)
        pool.start(due)
    if len(pool.seen) < count:
        pool.awaited = count
        with suppress(TimeoutError):
            await asyncio.wait_for(pool.complete.wait(), LAST_ANSWERS_SECONDS)
    return summarize(pool.seen, time.perf_counter() - began, count, pool.latest_send)


def summarize(seen: list[Seen], took: float, count: int, latest_send: float) -> dict[str, Any]:
    """Good answers by when they were due, so that none is left out for being late; refusals by when they were sent."""
    good = sorted(one.since_due for one in seen if one.status == 200)
    refusals = sorted(one.since_sent for one in seen if one.status == 503)
    at, refused = good or [0.0], refusals or [0.0]
    return {
        "requests": len(good), "per_second": len(good) / took,
        "p50_ms": at[len(at) // 2] * 1e3, "p99_ms": at[int(len(at) * 0.99)] * 1e3,
        "refused": len(refusals), "failed": count - len(good) - len(refusals),
        "slowest_refusal_ms": refused[-1] * 1e3,
        "p50_refusal_ms": refused[len(refused) // 2] * 1e3,
        "p99_refusal_ms": refused[int(len(refused) * 0.99)] * 1e3,
        "latest_send_ms": latest_send * 1e3,
    }  # fmt: skip


if __name__ == "__main__":
    import uvloop

    port, path, body, per_second, seconds = sys.argv[1:]
    print(
        json.dumps(
            uvloop.run(send_by_the_clock(int(port), path, body, int(per_second), int(seconds)))
        )
    )
