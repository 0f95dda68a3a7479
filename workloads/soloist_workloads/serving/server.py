"""The process: listens at once, loads the model beside it, and leaves without losing a request."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from soloist_workloads.serving.app import App
from soloist_workloads.serving.protocol import ShortWay
from soloist_workloads.serving.state import Phase, State

# Longer than a gateway keeps an idle connection, so that it's the gateway that closes: a request that meets a
# closing connection is lost.
KEEP_ALIVE_SECONDS = 75

# libuv takes one connection from a handle each time it looks, and looks between two slices of work. Hundreds of clients that come at
# once would wait most of a second, each of them, only to be told that the server is busy.
TAKEN_AT_A_LOOK = 8

# What is still being answered after the drain; the pod has 30 s in all.
LAST_ANSWERS_SECONDS = 20


class Server(uvicorn.Server):
    """Uvicorn with a drain: SIGTERM doesn't close the door, it changes the sign on it.

    First half of the drain: still ready. The pod that took this one's place may be known to the kubelet, which so let this
    one go, and not yet to the gateways, which probe for themselves: whoever left at once would leave them with nobody.
    Second half: not ready, so that the gateways turn away. Requests that still arrive are answered, each with `Connection: close`, so
    that a kept-alive client connects anew and lands on another pod.
    """

    def __init__(self, config: uvicorn.Config, *, state: State, drain_seconds: float) -> None:
        super().__init__(config)
        self._state = state
        self._drain_seconds = drain_seconds
        self._loop: asyncio.AbstractEventLoop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is uvicorn's
        """The first signal starts the drain, a second one ends it. Runs between two bytecodes of anything."""
        if self._state.phase is not Phase.READY or sig == signal.SIGINT:
            self.should_exit = True
            return
        self._state.phase = Phase.LINGERING
        self._loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        self._loop.call_later(self._drain_seconds / 2, self._turn_away)
        self._loop.call_later(self._drain_seconds, self._close)

    def _turn_away(self) -> None:
        self._state.phase = Phase.DRAINING

    def _close(self) -> None:
        self.should_exit = True


def build_server(app: App, *, state: State, drain_seconds: float) -> Server:
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=type("Protocol", (ShortWay,), {"short": app.short}),
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # a layer around every request, for an address that nobody reads
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=LAST_ANSWERS_SECONDS,
    )
    return Server(config, state=state, drain_seconds=drain_seconds)


def listen(port: int) -> list[socket.socket]:
    """Every address of the pod, of both families where there are two: one door, by as many handles as connections are taken
    at a look."""
    if socket.has_dualstack_ipv6():
        door = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    else:
        door = socket.create_server(("", port))
    return [door, *(door.dup() for _ in range(TAKEN_AT_A_LOOK - 1))]


async def serve(server: Server, doors: list[socket.socket], load: Callable[[], None]) -> None:
    """Serve until told to stop. A model that can't be loaded ends the process: there is nothing to serve."""
    serving = asyncio.create_task(server.serve(sockets=doors))
    try:
        await asyncio.to_thread(load)
    except BaseException:
        server.should_exit = True
        raise
    finally:
        await serving
