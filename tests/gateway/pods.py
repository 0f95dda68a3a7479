"""Serving pods as the gateway knows them: HTTP servers on loopback that answer, fail, hang, die and come back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field

from soloist.gateway.clusters import READY_PATH
from soloist.gateway.plan import Backend, Rung


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Pod:
    """One pod of a version; what it does next is its fields."""

    version: str
    port: int
    status: int = 200
    seconds: float = 0.0
    is_ready: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def backend(self, rung: Rung) -> Backend:
        return Backend(self.version, "127.0.0.1", self.port, rung)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.port)

    async def kill(self) -> None:
        """As SIGKILL does: the port is closed, and whoever is connected gets a reset."""
        if self._server is None:
            return
        self._server.close()
        for writer in tuple(self._open):
            writer.transport.abort()
        await self._server.wait_closed()
        self._server = None

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while request := await read_request(reader):
                writer.write(await self._answer(request))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, request: Request) -> bytes:
        if request.path == READY_PATH:
            return http(200 if self.is_ready else 503, {}, b"{}")
        self.requests.append(request)
        # Read before the wait: a test may change them while this one is under way.
        status, headers = self.status, self.headers
        if self.seconds:
            await asyncio.sleep(self.seconds)
        return http(status, headers, json.dumps({"version": self.version}).encode())


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    with contextlib.suppress(asyncio.IncompleteReadError):
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in lines[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Request(lines[0].split(" ")[1], headers, body)
    return None


def http(status: int, headers: dict[str, str], body: bytes) -> bytes:
    given = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status} -\r\n{lines}\r\n".encode() + body
