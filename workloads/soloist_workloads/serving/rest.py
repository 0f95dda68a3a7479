"""Connections that were just refused rest until the event loop has looked at all others.

libuv reads whatever is readable before it does anything else, and goes on for as long as a thousand connections are. A client that is
refused and asks again at once is readable again at once, so with more clients than places the loop would read and refuse
for seconds, and neither answer what it has admitted nor take a new connection: no health check would come through.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.flow_control import FlowControl

# As many as libuv asks the kernel for. With fewer it has seen all of them after one look, and a rest is two calls of the kernel for nothing.
CONNECTIONS_AT_A_LOOK = 1024


class Rest:
    """One for all connections of a server."""

    def __init__(self) -> None:
        self._resting: list[FlowControl] = []

    def take(self, flow: FlowControl) -> None:
        """Not read again at this look; `call_soon` is after it."""
        if not self._resting:
            asyncio.get_running_loop().call_soon(self._end)
        flow.pause_reading()
        self._resting.append(flow)

    def _end(self) -> None:
        rested, self._resting = self._resting, []
        for flow in rested:
            flow.resume_reading()
