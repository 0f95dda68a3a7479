"""When a version was asked, by the gateways' own counters: what a retry hides from clients is counted there."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from soloist.gateway.plan import Place
from soloist.gateway.readings import READINGS_PATH, parse_reading
from tests.e2e.room import Room

EVERY = 0.1


@dataclass
class Asked:
    """The moments (`time.monotonic`) at which a version's count was seen to rise, and the count."""

    version: str
    count: int = 0
    moments: list[float] = field(default_factory=list)
    by_pod: dict[str, int] = field(default_factory=dict)
    """What each gateway had counted at the last look; before the first it may have been asked for another try."""

    @property
    def seconds(self) -> float:
        """From the first rise to the last: how long clients' requests went to the version."""
        return self.moments[-1] - self.moments[0] if self.moments else 0.0

    def note(self, pod: str, counted: int, moment: float) -> None:
        """A gateway's counter, at a moment."""
        rise = counted - self.by_pod.get(pod, counted)
        self.by_pod[pod] = counted
        if rise > 0:
            self.count += rise
            self.moments.append(moment)


@contextlib.contextmanager
def watch_asked(room: Room, endpoint: str, version: str) -> Iterator[Asked]:
    """Look every tenth of a second, in a thread, until the block ends."""
    asked, stop = Asked(version), threading.Event()
    thread = threading.Thread(target=_look, args=(room, endpoint, asked, stop), daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        stop.set()
        thread.join(timeout=10)


def _look(room: Room, endpoint: str, asked: Asked, stop: threading.Event) -> None:
    chosen = f"soloist.dev/name={endpoint},app.kubernetes.io/component=gateway"
    pods = [pod["metadata"]["name"] for pod in room.all("pods", chosen)]
    port = Place().stats_port
    with httpx.Client(timeout=5) as client:
        while not stop.wait(EVERY):
            for pod in pods:
                url = room.kubectl.url("pods", room.namespace, f"{pod}:{port}")
                with contextlib.suppress(httpx.HTTPError):
                    answer = client.get(f"{url}/proxy{READINGS_PATH}").raise_for_status()
                    counted = parse_reading(answer.text).attempts(asked.version).requests
                    asked.note(pod, counted, time.monotonic())
