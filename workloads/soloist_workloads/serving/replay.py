"""Sends kept requests to the endpoint's gateway again, so that a shadow that hardly anybody feeds has numbers too.

    operator ──ask──▶ champion's pod ──kept request──▶ gateway ─┬─▶ champion
                                                                └─copy─▶ new version

By the gateway and not past it: there both versions are asked and counted as for any other request, in the same time, with the same
clocks. What the answers are is nobody's business here.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from soloist_workloads.serving.metrics import Metrics
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.recent import REPLAY, Kept, Recent

MOST_AT_A_TIME = 100
TIMEOUT_SECONDS = 30.0
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Ask:
    """What the operator wants."""

    round: str
    """In one round each kept request is sent once: to ask the same again is no new evidence."""
    requests: int
    older_than: float
    """Seconds. What is newer came while the round was under way, and its copy has been counted."""


def parse_ask(body: bytes) -> Ask:
    """Raises RequestProblem."""
    try:
        said: Any = orjson.loads(body)
        ask = Ask(str(said["round"]), int(said["requests"]), float(said["olderThan"]))
    except (ValueError, TypeError, LookupError):
        raise RequestProblem(
            'Send {"round": "…", "requests": 1, "olderThan": 0}: a name, and two numbers.'
        ) from None
    if not 0 < ask.requests <= MOST_AT_A_TIME or ask.older_than < 0:
        raise RequestProblem(
            f"requests must be 1 to {MOST_AT_A_TIME}, and olderThan at least 0 seconds."
        )
    return ask


class Replayer:
    """One for a server. Whoever asks while it is sending changes nothing."""

    def __init__(self, recent: Recent, gateway: str, metrics: Metrics) -> None:
        self._recent, self._metrics = recent, metrics
        self._gateway = urlsplit(gateway)
        self._round, self._sent = "", 0  # in this round, everything up to this number
        self._task: asyncio.Task[None] | None = None

    def start(self, ask: Ask) -> int:
        """How many are on their way now."""
        if not self._gateway.hostname or (self._task is not None and not self._task.done()):
            return 0
        if ask.round != self._round:
            self._round, self._sent = ask.round, 0
        due = [one for one in self._recent.older_than(ask.older_than) if one.number > self._sent]
        self._metrics.kept_requests_left.set(max(len(due) - ask.requests, 0))
        due = due[: ask.requests]
        if due:
            self._task = asyncio.create_task(self._send_all(due))
        return len(due)

    async def _send_all(self, due: list[Kept]) -> None:
        for one in due:
            # Before it is sent: one that ends this process must not be the first of the next try.
            self._sent = one.number
            with contextlib.suppress(OSError, TimeoutError, asyncio.LimitOverrunError):
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    await self._send(one)
                self._metrics.replayed_requests.inc()

    async def _send(self, one: Kept) -> None:
        host, scheme = self._gateway.hostname, self._gateway.scheme
        port = self._gateway.port or PORTS[scheme]
        context = _unchecked() if scheme == "https" else None
        reader, writer = await asyncio.open_connection(host, port, ssl=context)
        try:
            writer.write(_request(one, str(host).rstrip(".")))
            while await reader.read(64 * 1024):
                pass  # to its end, so that the gateway counts an answer and not a client that left
        finally:
            writer.close()


def _unchecked() -> ssl.SSLContext:
    """The gateway's certificate is its owner's, for names outside. Nothing goes there that did not come from there."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _request(one: Kept, host: str) -> bytes:
    headers = (
        (b"host", host.encode()),
        *one.headers,
        (b"content-length", b"%d" % len(one.body)),
        (REPLAY, b"true"),
        (b"connection", b"close"),
    )
    head = b"".join(b"%b: %b\r\n" % header for header in headers)
    return b"POST %b HTTP/1.1\r\n%b\r\n%b" % (one.path, head, one.body)
