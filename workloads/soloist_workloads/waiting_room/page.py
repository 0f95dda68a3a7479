"""`GET /held`: how many requests wait. The operator wakes the endpoint when it isn't 0, and the kubelet sees that we are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from soloist_workloads.waiting_room.head import END
from soloist_workloads.waiting_room.room import Room

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def tell(room: Room) -> Talk:
    """The page of this room."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(1):
                head = await reader.readuntil(END)
                writer.write(_answer(head, room))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # who leaves before the answer needs none
        finally:
            writer.close()

    return talk


def _answer(head: bytes, room: Room) -> bytes:
    status, body = b"404 Not Found", b""
    if head.startswith(b"GET /held "):
        status, body = b"200 OK", str(room.noticed).encode()
    lines = (
        b"HTTP/1.1 " + status,
        b"content-type: text/plain",
        b"content-length: %d" % len(body),
        b"connection: close",
    )
    return b"\r\n".join(lines) + END + body
