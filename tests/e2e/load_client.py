"""Runs inside a pod: an open-loop load on one Service. Only the standard library.

Open loop: requests start by the clock, not when the last answer came, so a slow server is seen as slow. Keep-alive
connections, as real clients have them. No retries: one refused connection is one failed request. Bounded in rate
and in time. Ends by itself once the wanted version has answered for a while, or when somebody knocks at its control port.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from dataclasses import dataclass, field

HOST = os.environ["LOAD_HOST"]
# Once, as a client with a pool does: whether names can be resolved is the cluster's question, not the endpoint's.
ADDRESS = socket.gethostbyname(os.environ.get("LOAD_THROUGH") or HOST)
PORT = int(os.environ.get("LOAD_PORT", "80"))
BODY = os.environ["LOAD_BODY"].encode()
PER_SECOND = min(float(os.environ.get("LOAD_PER_SECOND", "20")), 1000.0)
AT_MOST = min(float(os.environ.get("LOAD_AT_MOST", "120")), 600.0)
CONTROL_PORT = int(os.environ["LOAD_CONTROL_PORT"])
UNTIL_VERSION = os.environ.get("LOAD_UNTIL_VERSION", "")
THEN = float(os.environ.get("LOAD_THEN", "12"))
# How slow is another test's question: on two cores a training takes what serving would need.
TIMEOUT = 30.0

REQUEST = (
    f"POST /invocations HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(BODY)}\r\n\r\n"
).encode() + BODY

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Tally:
    """What became of the requests."""

    sent: int = 0
    good: int = 0
    failures: list[str] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    first_seen: dict[str, float] = field(default_factory=dict)
    last_seen: dict[str, float] = field(default_factory=dict)
    last_good: float | None = None
    longest_gap: float = 0.0


async def connection(idle: list[Connection]) -> Connection:
    """An idle connection that the server has not closed, else a new one."""
    while idle:
        reader, writer = idle.pop()
        if not reader.at_eof() and not writer.is_closing():
            return reader, writer
        writer.close()
    return await asyncio.open_connection(ADDRESS, PORT)


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(head[0].split()[1]), headers, body


async def ask(idle: list[Connection], tally: Tally) -> None:
    tally.sent += 1
    started = time.monotonic()
    writer = None
    try:
        async with asyncio.timeout(TIMEOUT):
            reader, writer = await connection(idle)
            writer.write(REQUEST)
            await writer.drain()
            status, headers, body = await answer(reader)
    except (OSError, EOFError, TimeoutError, ValueError) as error:
        tally.failures.append(f"{time.time():.3f} {type(error).__name__} {error}")
        if writer is not None:
            writer.close()
        return
    if headers.get("connection", "").lower() == "close":
        writer.close()
    else:
        idle.append((reader, writer))
    if status != 200:
        tally.failures.append(f"{time.time():.3f} {status} {body[:200]!r}")
        return
    version = headers.get("x-model-version", "?")
    tally.good += 1
    tally.versions[version] = tally.versions.get(version, 0) + 1
    tally.first_seen.setdefault(version, time.monotonic())
    tally.last_seen[version] = time.monotonic()
    now = time.monotonic()
    tally.longest_gap = max(tally.longest_gap, now - (tally.last_good or now))
    tally.last_good = now
    tally.seconds.append(now - started)


async def open_door(knocked: asyncio.Event) -> asyncio.Server:
    async def let_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
            knocked.set()
        writer.close()

    return await asyncio.start_server(let_in, port=CONTROL_PORT)


async def run() -> Tally:
    tally, enough = Tally(), asyncio.Event()
    door = await open_door(enough)
    idle: list[Connection] = []
    tasks: set[asyncio.Task[None]] = set()
    started = time.monotonic()
    for number in range(int(PER_SECOND * AT_MOST)):
        now = time.monotonic()
        seen = tally.first_seen.get(UNTIL_VERSION)
        if enough.is_set() or (seen is not None and now - seen > THEN):
            break
        await asyncio.sleep(max(0.0, started + number / PER_SECOND - now))
        task = asyncio.create_task(ask(idle, tally))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*tasks), TIMEOUT + 1)
    door.close()
    return tally


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def main() -> int:
    tally = asyncio.run(run())
    print(
        json.dumps(
            {
                "sent": tally.sent,
                "good": tally.good,
                "failed": len(tally.failures),
                "failures": tally.failures[:20],
                "versions": tally.versions,
                "seen_seconds": {
                    version: round(tally.last_seen[version] - first, 2)
                    for version, first in tally.first_seen.items()
                },
                "longest_gap_seconds": round(tally.longest_gap, 2),
                "p50_ms": round(1000 * quantile(tally.seconds, 0.5), 1),
                "p99_ms": round(1000 * quantile(tally.seconds, 0.99), 1),
            }
        ),
        flush=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
