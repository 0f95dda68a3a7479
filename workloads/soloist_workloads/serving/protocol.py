"""HTTP for the requests that come in thousands: straight from the parser to the lane, and one write back.

    most requests ──────────────────────────▶ uvicorn's protocol ─▶ ASGI task ─▶ App
    a small POST with a prediction to make ─▶ here ─▶ Short ─▶ lane ─▶ here

A task, a scope, and the messages of ASGI take as long as a small model. They aren't needed where a request is plainly one
of those that the app would pass to the lane: its body is small and of known length, the connection stays, and
nothing before it on the connection is still being answered. Everything else goes the long way, which has the same answers.

A refusal is the shortest: it must cost next to nothing, or a server that has too much to do would do nothing but refuse.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from soloist_workloads.serving.rest import CONNECTIONS_AT_A_LOOK
from soloist_workloads.serving.scorer import Reply
from soloist_workloads.serving.short import Asked, Short
from soloist_workloads.serving.wire import Response

MOST_SHORT_BYTES = 64 * 1024
LONG = frozenset({b"expect", b"upgrade", b"transfer-encoding"})


class Cycle(Asked):
    """One request on its short way; has what uvicorn's protocol asks of its own cycles."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete", "started")

    def __init__(
        self, protocol: str, path: bytes, headers: dict[bytes, bytes], event: asyncio.Event
    ) -> None:
        super().__init__(protocol, path, headers)
        self.message_event = event
        self.started = perf_counter()
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False


class ShortWay(HttpToolsProtocol):
    """uvicorn's protocol, with a short way in it. uvicorn makes one per connection; `short` comes with the class."""

    short: Short

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        # uvicorn sets the event of the last cycle when the connection is lost; on the short way nobody waits for it.
        self._unheard = asyncio.Event()
        self._idle_since: float | None = None

    def on_message_begin(self) -> None:
        """As uvicorn's, without the scope: those who need it make it."""
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        short = self._find_short()
        if short is None:
            self._take_long_way()
        else:
            self.cycle = short  # type: ignore[assignment] # it has what uvicorn asks of it

    def _take_long_way(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers  # the list that the scope holds
        super().on_headers_complete()

    def _find_short(self) -> Cycle | None:
        """The request, if it can go the short way."""
        previous: Any = self.cycle  # None before the first, whatever uvicorn's types say
        protocol = self.short.paths.get(self.url)
        if (
            protocol is None
            or (previous is not None and not previous.response_complete)
            or self.flow.write_paused  # a client that doesn't read its answers has to wait for the next
            or self.parser.get_method() != b"POST"
            or self.parser.get_http_version() != "1.1"
            or not self.parser.should_keep_alive()
            or not self.short.is_serving
        ):
            return None
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"")
        if (
            len(headers) != len(self.headers)  # one came twice: which of them counts, the app knows
            or not length.isdigit()
            or int(length) > MOST_SHORT_BYTES
            or not LONG.isdisjoint(headers)
        ):
            return None
        return Cycle(protocol, self.url, headers, self._unheard)

    def on_body(self, body: bytes) -> None:
        cycle: Any = self.cycle
        if type(cycle) is Cycle:
            cycle.body += body
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        cycle: Any = self.cycle
        if type(cycle) is not Cycle:
            super().on_message_complete()
            return
        taken = self.short.ask(cycle, self._write)
        if not taken and len(self.connections) >= CONNECTIONS_AT_A_LOOK:
            self.short.rest.take(self.flow)

    def _write(self, cycle: Cycle, response: Response | Reply) -> None:
        cycle.response_complete = True
        if cycle.disconnected or self.transport.is_closing():
            return
        servers = self.server_state.default_headers
        raw, is_last = self.short.render(response, servers, keep_alive=cycle.keep_alive)
        self.transport.write(raw)
        seconds = perf_counter() - cycle.started
        self.short.tell(cycle.protocol, response.status, seconds)
        if is_last:
            self.transport.close()
        self.on_response_complete()

    # A connection that was idle for long is closed. uvicorn sets a timer after each answer and takes it back with the next request;
    # here it stays, and when it is due, it looks.

    def on_response_complete(self) -> None:
        if self.timeout_keep_alive_task is None or self.pipeline:
            super().on_response_complete()
        elif not self.transport.is_closing():
            self.server_state.total_requests += 1
            self.flow.resume_reading()
        self._idle_since = self.loop.time()

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._idle_since is None or not self.cycle.response_complete:
            return  # the next answer sets it
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            super().timeout_keep_alive_handler()
        else:
            self.timeout_keep_alive_task = self.loop.call_later(
                left, self.timeout_keep_alive_handler
            )

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        super()._unset_keepalive_if_required()
