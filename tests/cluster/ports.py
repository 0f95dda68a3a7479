"""Ports of loopback for servers that are about to start.

Whoever asks the kernel for "any free port" and lets it go again gets one of those that the kernel hands to every connection
that goes out: until the server binds it, any client may be given it. So these lie below the kernel's own range
(`ip_local_port_range`, from 32768 on) and below Kubernetes' NodePorts (from 30000 on), each worker of pytest-xdist has a slice of its own, and
a process comes back to a port only when it has been through all others.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator

LEAST, EACH, SLICES = 20_000, 1_000, 10
NO_WORKER = SLICES - 1


def free_ports(count: int) -> list[int]:
    """Ports that nobody has now; all are held until the last is found."""
    with contextlib.ExitStack() as held:
        found: list[int] = []
        for port in _next:
            with contextlib.suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
            if len(found) == count:
                break
        return found


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]


def slice_of(worker: str) -> range:
    """The ports of a worker (`gw0`, `gw1`, …) or, without a name, of a process that is none."""
    number = int(worker.removeprefix("gw")) % NO_WORKER if worker else NO_WORKER
    first = LEAST + EACH * number
    return range(first, first + EACH)


def _in_turn() -> Iterator[int]:
    """From anywhere on, since several processes may have no worker's name."""
    ports = slice_of(os.environ.get("PYTEST_XDIST_WORKER", ""))
    start = secrets.randbelow(EACH)
    while True:
        yield from ports[start:]
        yield from ports[:start]


_next = _in_turn()
