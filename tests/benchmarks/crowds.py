"""`python -m tests.benchmarks.crowds`: twice what the server can do, from more and more clients at once.

`make bench` has 512 clients, fewer than may wait for a quick model. Here they become more than that. What counts is how much is
still answered, beside what as many clients get who wait for their answers, and how long somebody waits who comes anew, as a kubelet
does with its health checks.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Self

from tests.benchmarks.__main__ import MODELS, OWN, PLACE, ROW, prepare
from tests.benchmarks.contestants import CONTESTANTS
from tests.benchmarks.load import run_closed
from tests.benchmarks.overload import run_overload
from tests.benchmarks.processes import LOAD_CPU, Running, started

CONNECTIONS = (64, 128, 256, 512, 1024, 2048, 3072)
CHECK_EVERY_SECONDS = 0.25
WARM_UP_SECONDS = 2


@dataclass
class Checks:
    """Health checks, each on a connection of its own."""

    port: int
    milliseconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(CHECK_EVERY_SECONDS):
            began = time.perf_counter()
            url = f"http://127.0.0.1:{self.port}/v2/health/live"
            with urllib.request.urlopen(url, timeout=60) as reply:
                reply.read()
            self.milliseconds.append((time.perf_counter() - began) * 1e3)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.crowds")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--only", choices=MODELS)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {int(LOAD_CPU)})
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the server inherits it, as wrk does
    prepare("")
    print(
        "| model | clients | a second, if they wait | CPU µs, and the kernel's "
        "| a second, at twice its best | of its best | refused | health check p50/max ms |"
    )
    print("| --- | --: | --: | --: | --: | --: | --: | --: |")
    one = next(one for one in CONTESTANTS if one.name == "soloist v2")
    for model in [asked.only] if asked.only else MODELS:
        folder = PLACE / "own"
        with started(one, folder / "models" / model, OWN, folder / "work") as running:
            measure(model, running, one.path, one.body(ROW), asked.seconds)
    return 0


def measure(model: str, running: Running, path: str, body: object, seconds: int) -> None:
    run_closed(running.port, path, body, connections=64, seconds=WARM_UP_SECONDS)
    best = run_closed(running.port, path, body, connections=64, seconds=seconds).per_second
    for connections in CONNECTIONS:
        before = running.cpu_times()
        patient = run_closed(running.port, path, body, connections=connections, seconds=seconds)
        own, kernel = (
            (now - then) / max(patient.requests, 1) * 1e6
            for now, then in zip(running.cpu_times(), before, strict=True)
        )
        with Checks(running.port) as checks:
            load = run_overload(
                running.port, path, body,
                per_second=int(2 * best), seconds=seconds, connections=connections,
            )  # fmt: skip
        waited = checks.milliseconds or [float("nan")]
        print(
            f"| {model} | {connections:,} | {patient.per_second:,.0f} | {own + kernel:.0f}, {kernel:.0f} "
            f"| {load.per_second:,.0f} | {load.per_second / best:.0%} | {load.refused:,} "
            f"| {statistics.median(waited):.0f}/{max(waited):.0f} |",
            flush=True,
        )
        if load.failed:
            print(f"{load.failed} failed", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
