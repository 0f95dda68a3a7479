"""Servers as processes: started on one core, watched through /proc, ended with all that they started."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.contestants import Contestant
from tests.cluster.ports import free_ports

MARK = "SOLOIST_BENCHMARK"
SERVER_CPU, LOAD_CPU = "0", "1"
START_WITHIN_SECONDS = 180
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def busy_cores(seconds: float = 3.0) -> float:
    """How many cores' worth of work the machine does just now."""

    def spent() -> int:
        user, nice, system = map(int, Path("/proc/stat").read_text().split()[1:4])
        return user + nice + system

    before = spent()
    time.sleep(seconds)
    return round((spent() - before) / TICKS / seconds, 2)


@dataclass(frozen=True, slots=True)
class Running:
    """A started server. Some peers start daemons of their own, so its processes are told by a mark they inherit."""

    port: int
    mark: str
    seconds_to_first_answer: float

    def cpu_seconds(self) -> float:
        return sum(self.cpu_times())

    def cpu_times(self) -> tuple[float, float]:
        """Seconds in the processes' own code, and in the kernel for them."""
        times = [_cpu_times(pid) for pid in find_marked(self.mark)]
        return sum(own for own, _ in times), sum(kernel for _, kernel in times)

    def memory_bytes(self) -> int:
        return sum(_memory_bytes(pid) for pid in find_marked(self.mark))


@contextlib.contextmanager
def started(contestant: Contestant, model: Path, binaries: Path, work: Path) -> Iterator[Running]:
    """The server, from its first good answer on."""
    port, mark = _free_ports(3), uuid.uuid4().hex
    words = {"{port}": str(port), "{port+1}": str(port + 1), "{port+2}": str(port + 2)}
    words |= {"{model}": str(model), "{work}": str(work)}
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for name, content in contestant.files.items():
        (work / name).write_text(json.dumps(_fill(content, words)))
    env = {
        **os.environ, "OMP_NUM_THREADS": "1", MARK: mark, "PATH": f"{binaries}:{os.environ['PATH']}",
        **{name: _fill(value, words) for name, value in contestant.env.items()},
    }  # fmt: skip
    # As in an image, nobody compiles what was imported before: it would be most of a start.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    command = ["taskset", "-c", SERVER_CPU, *(_fill(word, words) for word in contestant.command)]
    began = time.monotonic()
    with (work / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=work)
    try:
        _wait_for_answer(contestant, port, process, work / "log.txt")
        yield Running(port, mark, time.monotonic() - began)
    finally:
        _end(process, mark)


def ask(contestant: Contestant, port: int, row: tuple[float, ...]) -> list[int]:
    """The labels that the server answers for one row."""
    body = json.dumps(contestant.body(row)).encode()
    url, headers = f"http://127.0.0.1:{port}{contestant.path}", {"content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as reply:
        return [int(label) for label in contestant.labels(json.load(reply))]


def find_marked(mark: str) -> list[int]:
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def _fill(template: Any, words: dict[str, str]) -> Any:
    if isinstance(template, dict):
        return {name: _fill(value, words) for name, value in template.items()}
    if not isinstance(template, str):
        return template
    for word, value in words.items():
        if template == word and value.isdigit() and word != "{port}":
            return int(value)
        template = template.replace(word, value)
    return template


def _free_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    while True:
        ports = free_ports(count)
        if ports == list(range(ports[0], ports[0] + count)):
            return ports[0]


def _wait_for_answer(
    contestant: Contestant, port: int, process: subprocess.Popen[bytes], log: Path
) -> None:
    deadline = time.monotonic() + START_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            ask(contestant, port, (5.1, 3.5, 1.4, 0.2))
        except (OSError, ValueError, LookupError, urllib.error.URLError):
            time.sleep(0.02)
        else:
            return
    ended = process.poll()
    how = (
        f"ended with {ended}"
        if ended is not None
        else f"did not answer for {START_WITHIN_SECONDS:g} s"
    )
    words = log.read_text()[-2000:] or "(none)"
    raise RuntimeError(f"{contestant.name} {how}. Its last words:\n{words}")


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """Asked first, then ended; only what carries our mark."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    for pid in find_marked(mark):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _cpu_times(pid: int) -> tuple[float, float]:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) / TICKS, int(fields[12]) / TICKS
    return 0.0, 0.0


def _memory_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return 0
