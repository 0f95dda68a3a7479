"""Open-loop load: requests start by the clock, whatever became of the ones before, so a slow gateway is seen as slow.

Kept-alive connections and no retry: one lost connection is one failed request. Bounded in rate, to loopback only.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

MOST_PER_SECOND = 500
TIMEOUT_SECONDS = 20
BODY = b'{"inputs": [1]}'
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Answer:
    """What became of one request; a status of 0 is none."""

    began: float
    ended: float
    status: int
    version: str = ""
    rung: str = ""
    why: str = ""


@dataclass
class Load:
    """The answers so far, in the order in which they came."""

    answers: list[Answer] = field(default_factory=list)
    sent: int = 0

    @property
    def failed(self) -> list[Answer]:
        return [one for one in self.answers if one.status != 200]

    def versions(self, *, after: float = 0.0) -> Counter[str]:
        return Counter(one.version for one in self.answers if one.began >= after)


@asynccontextmanager
async def load(
    port: int, *, per_second: int, unit: Callable[[int], str] = str
) -> AsyncIterator[Load]:
    """Runs while the block does; at its end every request that was sent has been waited for."""
    seen, idle, asked = Load(), list[Connection](), set[asyncio.Task[None]]()

    async def send() -> None:
        began, pause = time.monotonic(), 1 / min(per_second, MOST_PER_SECOND)
        while True:
            task = asyncio.create_task(_ask(port, unit(seen.sent), seen, idle))
            asked.add(task)
            seen.sent += 1
            await asyncio.sleep(max(0.0, began + seen.sent * pause - time.monotonic()))

    sender = asyncio.create_task(send())
    try:
        yield seen
    finally:
        sender.cancel()
        await asyncio.gather(*asked)
        for _, writer in idle:
            writer.close()


async def ask_each(port: int, units: Sequence[str]) -> dict[str, Answer]:
    """One request of each, a few at once."""
    idle, places = list[Connection](), asyncio.Semaphore(8)

    async def one(unit: str) -> Answer:
        async with places:
            seen = Load()
            await _ask(port, unit, seen, idle)
            return seen.answers[0]

    found = await asyncio.gather(*map(one, units))
    for _, writer in idle:
        writer.close()
    return dict(zip(units, found, strict=True))


async def _ask(port: int, unit: str, seen: Load, idle: list[Connection]) -> None:
    began = time.monotonic()
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            status, headers, kept = await _exchange(port, unit, idle)
    except (OSError, EOFError, TimeoutError, ValueError) as problem:
        seen.answers.append(Answer(began, time.monotonic(), 0, why=repr(problem)))
        return
    if headers.get("connection") == "close":
        kept[1].close()
    else:
        idle.append(kept)
    version, rung = headers.get("x-soloist-version", ""), headers.get("x-soloist-rung", "")
    seen.answers.append(Answer(began, time.monotonic(), status, version, rung))


async def _exchange(
    port: int, unit: str, idle: list[Connection]
) -> tuple[int, dict[str, str], Connection]:
    reader, writer = await _connection(port, idle)
    writer.write(
        f"POST /invocations HTTP/1.1\r\nhost: gateway\r\nx-unit: {unit}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n".encode()
        + BODY
    )
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    await reader.readexactly(int(headers["content-length"]))
    return int(lines[0].split(" ")[1]), headers, (reader, writer)


async def _connection(port: int, idle: list[Connection]) -> Connection:
    """A kept one that the gateway hasn't closed, else a new one."""
    while idle:
        reader, writer = idle.pop()
        if not reader.at_eof() and not writer.is_closing():
            return reader, writer
        writer.close()
    return await asyncio.open_connection("127.0.0.1", port)
