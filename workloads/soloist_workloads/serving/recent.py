"""The newest requests that were answered well: what a new version can be asked when hardly anybody asks.

In memory only, and only where the endpoint says so. They leave the pod by one way, which is the one they came by: they are sent to the
endpoint's own gateway again (`replay`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from soloist_workloads.serving.binary import HEADER_NAME
from soloist_workloads.serving.compare import COMPARISON, SHADOW

# What is asked again is marked, or it would be kept again, and the newest would be none but these.
REPLAY = b"x-soloist-replay"
MARKS = frozenset({SHADOW, COMPARISON, REPLAY})
# Of a request, those that its answer depends on; a credential or a cookie never comes this far.
PASSED_ON = (b"content-type", HEADER_NAME)
MOST_BODY_BYTES = 64 * 1024
MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """One request."""

    number: int
    """Its place among all that were ever kept."""
    at: float
    """When, on the clock that only counts up."""
    path: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Recent:
    """At most so many requests, and 8 MiB of bodies. Called on the event loop."""

    def __init__(self, most: int) -> None:
        self._kept: deque[Kept] = deque()
        self._most = most
        self.keeps = most > 0
        self._bytes = 0
        self._count = 0

    def offer(self, path: bytes, headers: Mapping[bytes, bytes], body: bytes) -> None:
        """Keep a request that was answered with 200, if a client sent it and it is small."""
        if not self.keeps or len(body) > MOST_BODY_BYTES or not MARKS.isdisjoint(headers):
            return
        passed_on = tuple((name, headers[name]) for name in PASSED_ON if name in headers)
        self._count += 1
        self._kept.append(Kept(self._count, monotonic(), path, passed_on, body))
        self._bytes += len(body)
        while len(self._kept) > self._most or self._bytes > MOST_BYTES:
            self._bytes -= len(self._kept.popleft().body)

    def older_than(self, seconds: float) -> tuple[Kept, ...]:
        """Oldest first."""
        until = monotonic() - seconds
        return tuple(one for one in self._kept if one.at < until)
