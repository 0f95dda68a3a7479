"""Takes a request, waits until the champion has a pod, passes the request on and the answer back, byte by byte.

It knows of HTTP where a request's head ends, and that is nearly all: what it doesn't read it can't change.

    gateway ──▶ room ── held until ready ──▶ champion
            ◀── the answer's bytes ─────────
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from soloist_workloads.waiting_room.champion import Champion
from soloist_workloads.waiting_room.head import (
    END,
    body_length,
    hung_up,
    refusal,
)

# What is held is held in memory. Of a longer body the gateway keeps the rest, so the client of such a one isn't seen to
# leave: its place is free when its time is up.
MOST_HELD, KEPT_BYTES = 256, 32 * 1024
# A pod that has just started is not asked everything at once.
MOST_PASSING = 16
# Who left meanwhile still wanted an answer: as long as this, the page counts the last one as there.
NOTICED_SECONDS = 10.0
# A body that nobody wants is read, so that the refusal arrives: a close with bytes unread would overtake it.
DISCARD_SECONDS = 5.0
CHUNK = 64 * 1024


@dataclass(slots=True)
class _Request:
    """What was read so far."""

    head: bytes
    body: bytes
    is_whole: bool


class Room:
    """All who wait."""

    def __init__(self, champion: Champion, *, seconds: float, most: int = MOST_HELD) -> None:
        self._champion, self._seconds, self._most = champion, seconds, most
        self._passing = asyncio.Semaphore(MOST_PASSING)
        self._last = -NOTICED_SECONDS
        self.held = 0

    @property
    def noticed(self) -> int:
        """Requests that are held, or were a moment ago."""
        was_here = time.monotonic() - self._last < NOTICED_SECONDS
        return self.held or int(was_here)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection with one request."""
        self._last = time.monotonic()
        is_full = self.held >= self._most
        self.held += not is_full
        try:
            head = await reader.readuntil(END)
            if is_full:
                await _refuse(
                    "Too many requests wait for the model. Try again.", head, reader, writer
                )
            else:
                await self._hold(await _request(head, reader), reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the gateway left, and knows it
        except asyncio.CancelledError:
            pass  # the room closes; each of its guests would tell so in the log
        finally:
            self.held -= not is_full
            self._last = time.monotonic()
            writer.close()

    async def _hold(
        self, request: _Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Until it is answered, nobody wants the answer any more, or time is up."""
        until = time.monotonic() + self._seconds
        client = asyncio.create_task(_gone(reader)) if request.is_whole else None
        try:
            while await self._is_ready(client, until - time.monotonic()):
                async with self._passing:
                    if await self._pass_on(request, reader, writer, client):
                        return
            if client is None or not client.done():
                sentence = f"The model did not start within {self._seconds:g} s. Try again."
                rest = b"" if request.is_whole else request.head
                await _refuse(sentence, rest, reader, writer)
        finally:
            if client is not None:
                client.cancel()

    async def _is_ready(self, client: asyncio.Task[None] | None, seconds: float) -> bool:
        """False when time is up, or the client gone."""
        ready = asyncio.create_task(self._champion.ready())
        waits = {ready} if client is None else {ready, client}
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return ready.done() and seconds > 0 and (client is None or not client.done())
        finally:
            ready.cancel()

    async def _pass_on(
        self,
        request: _Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        client: asyncio.Task[None] | None,
    ) -> bool:
        """Whether nothing is left to do: False when the pod went before it answered, and another can be asked."""
        try:
            answer, question = await self._champion.connect()
        except OSError:
            return False
        back = asyncio.create_task(_relay(answer, writer))
        more = client or asyncio.create_task(_pump(reader, question))
        try:
            question.write(hung_up(request.head) + request.body)
            await asyncio.wait({more, back}, return_when=asyncio.FIRST_COMPLETED)
            if more.done() and more.exception() is None and not back.done():
                return True  # the client left
            return await back or not request.is_whole
        finally:
            back.cancel()
            if more is not client:
                more.cancel()
            question.close()


async def _request(head: bytes, reader: asyncio.StreamReader) -> _Request:
    """With its body where that is short: then the request can be asked twice, and its end be seen."""
    length = body_length(head)
    if length is None or length > KEPT_BYTES:
        return _Request(head, b"", is_whole=False)
    return _Request(head, await reader.readexactly(length), is_whole=True)


async def _gone(reader: asyncio.StreamReader) -> None:
    """Ends when the gateway does not wait any more: after a whole request nothing else comes from it."""
    await reader.read(1)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Everything until the source ends."""
    while chunk := await source.read(CHUNK):
        sink.write(chunk)
        await sink.drain()


async def _relay(answer: asyncio.StreamReader, client: asyncio.StreamWriter) -> bool:
    """The whole answer; False when there was none."""
    try:
        first = await answer.read(CHUNK)
    except OSError:
        return False
    client.write(first)
    await _pump(answer, client)
    return bool(first)


async def _refuse(
    sentence: str, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(refusal(sentence))
    await writer.drain()
    left = body_length(head) if head else 0
    try:
        async with asyncio.timeout(DISCARD_SECONDS):
            while left is None or left > 0:
                chunk = await reader.read(CHUNK)
                if not chunk:
                    return
                left = left if left is None else left - len(chunk)
    except TimeoutError:
        return
