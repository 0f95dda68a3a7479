"""The champion's pods, behind one address: whether one of them answers yet."""

from __future__ import annotations

import asyncio

READY = b"GET /v2/health/ready HTTP/1.1\r\nhost: champion\r\nconnection: close\r\n\r\n"
PAUSE_SECONDS = 0.1
ANSWER_SECONDS = 1.0


class Champion:
    """Asked again and again while somebody waits, once for all who do."""

    def __init__(self, host: str, port: int, *, pause: float = PAUSE_SECONDS) -> None:
        self._host, self._port, self._pause = host, port, pause
        self._waiting = 0
        self._watch: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Returns when a pod is ready, as seen after this call."""
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._until_ready())
        self._waiting += 1
        try:
            await asyncio.shield(self._watch)
        finally:
            self._waiting -= 1
            if self._waiting == 0 and self._watch is not None:
                self._watch.cancel()
                self._watch = None  # who comes now begins anew, and doesn't end with it

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to one of the ready pods. Raises OSError."""
        async with asyncio.timeout(ANSWER_SECONDS):
            return await asyncio.open_connection(self._host, self._port)

    async def _until_ready(self) -> None:
        while not await self._is_ready():  # noqa: ASYNC110 - nobody but the pod itself could set an event
            await asyncio.sleep(self._pause)

    async def _is_ready(self) -> bool:
        try:
            reader, writer = await self.connect()
        except OSError:  # TimeoutError is one
            return False
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                writer.write(READY)
                line = await reader.readline()
            return line.split(b" ")[1:2] == [b"200"]
        except OSError:
            return False
        finally:
            writer.close()
