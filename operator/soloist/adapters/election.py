"""The lease in a thread of its own, with an event loop and connections of its own.

A renewal must not wait for its turn behind sixteen reconciles: on a machine without a free processor it would come
too late, the process would end for want of a lease, and starting anew would cost even more of what is scarce.
"""

from __future__ import annotations

import asyncio
import logging
import threading

from soloist.adapters.kube_transport import Transport, connect
from soloist.adapters.lease import Lease
from soloist.control.ports import NotLeading

log = logging.getLogger(__name__)

# Two tries at a request, quickly: the next renewal is near.
PAUSES = (0.2,)
FAREWELL = 3.0


class Election:
    """`won` and `lost` are set in the event loop that called `start`."""

    def __init__(self, *, namespace: str, name: str, identity: str) -> None:
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._lease: Lease | None = None
        self._thread: threading.Thread | None = None
        self._inner: asyncio.AbstractEventLoop | None = None
        self._enough: asyncio.Event | None = None
        self.won = asyncio.Event()
        self.lost = asyncio.Event()

    def check(self) -> None:
        """Raise NotLeading unless the lease is held: what every write asks first, from any thread."""
        if self._lease is None:
            raise NotLeading("this process does not hold the lease")
        self._lease.check()

    def start(self) -> None:
        outer = asyncio.get_running_loop()

        def run() -> None:
            try:
                asyncio.run(self._take_part(outer))
            except Exception:
                log.exception("the election ended")
            finally:
                if not outer.is_closed():
                    outer.call_soon_threadsafe(self.lost.set)

        self._thread = threading.Thread(target=run, name="lease", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Give the lease back."""
        if self._inner is not None and self._enough is not None and not self._inner.is_closed():
            self._inner.call_soon_threadsafe(self._enough.set)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, FAREWELL)

    async def _take_part(self, outer: asyncio.AbstractEventLoop) -> None:
        self._inner, self._enough = asyncio.get_running_loop(), asyncio.Event()
        transport = Transport(await connect(), pauses=PAUSES)
        lease = Lease(
            transport, namespace=self._namespace, name=self._name, identity=self._identity
        )
        self._lease = lease
        term = asyncio.create_task(self._serve(lease, outer))
        enough = asyncio.create_task(self._enough.wait())
        await asyncio.wait((term, enough), return_when=asyncio.FIRST_COMPLETED)
        term.cancel()
        await lease.release()
        await transport.close()

    async def _serve(self, lease: Lease, outer: asyncio.AbstractEventLoop) -> None:
        await lease.acquire()
        outer.call_soon_threadsafe(self.won.set)
        await lease.hold()
