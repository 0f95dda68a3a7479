"""The container's memory as its cgroup accounts it, version 1 or 2.

The runner shares the Ray head's container with the raylet and the workers, so limit, peak and OOM kills are
the container's: that is also what the kernel enforces and what `spec.pipeline.steps[].memory` sets.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
SAMPLE_SECONDS = 0.1
# One kill may be an accident that Ray mends by itself; a step that needs more memory than it has is killed again at once.
MOST_KILLS = 3
# Ray's own watch kills from 95 % on: what a step printed should be in MLflow before that. One warning shortly
# before is too few: on a busy node an upload takes longer than a growing data frame takes to fill the rest.
WARNINGS = (0.6, 0.7, 0.8, 0.9)

# Version 1 spells "no limit" as the largest page-aligned 64-bit number; nothing real is above one exbibyte.
UNLIMITED_FROM = 1 << 60


@dataclass(frozen=True, slots=True)
class MemoryFiles:
    """The same five readings under the names of one cgroup version."""

    limit: Path
    usage: Path
    stat: Path
    inactive_key: str
    kills: Path


def find_memory_files(root: Path = CGROUP_ROOT) -> MemoryFiles | None:
    """The files of this container's cgroup; None outside a container or on an unknown layout."""
    if (root / "memory.current").exists():
        return MemoryFiles(
            limit=root / "memory.max",
            usage=root / "memory.current",
            stat=root / "memory.stat",
            inactive_key="inactive_file",
            kills=root / "memory.events",
        )
    first = root / "memory"
    if (first / "memory.usage_in_bytes").exists():
        return MemoryFiles(
            limit=first / "memory.limit_in_bytes",
            usage=first / "memory.usage_in_bytes",
            stat=first / "memory.stat",
            inactive_key="total_inactive_file",
            kills=first / "memory.oom_control",
        )
    return None


def read_limit(files: MemoryFiles | None) -> int | None:
    """The container's limit in bytes; None without one."""
    text = _read(files.limit) if files else None
    if text is None or not text.strip().isdigit():
        return None
    limit = int(text)
    return limit if limit < UNLIMITED_FROM else None


def read_oom_kills(files: MemoryFiles | None) -> int:
    """How many processes of this container the kernel has killed so far."""
    return _value(files.kills, "oom_kill") if files else 0


def read_working_set(files: MemoryFiles) -> int:
    """Memory that can't be dropped: page cache that nobody uses doesn't count, as in `kubectl top`."""
    usage = int(_read(files.usage) or 0)
    return max(0, usage - _value(files.stat, files.inactive_key))


def _value(path: Path, key: str) -> int:
    for line in (_read(path) or "").splitlines():
        name, _, number = line.partition(" ")
        if name == key:
            return int(number)
    return 0


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


class MemoryWatch:
    """Keeps the highest working set seen while a step runs, and counts what the kernel killed meanwhile.

    Sampled, not read from the kernel's high-water mark: that one covers every step that the container has
    run before, and can't be reset on a read-only mount.

    Ray restarts an actor or a task that the kernel killed, and Ray Data does so without end: a step that is too
    large for its memory would never fail. So after `MOST_KILLS` of them `give_up` is called, once.

    Before any of that `filling` is called, once at each share of the limit in `WARNINGS`: whoever kills next may
    take the runner too, and then nothing more can be told.
    """

    def __init__(self, files: MemoryFiles | None) -> None:
        self._files = files
        self._give_up: Callable[[], None] | None = None
        self._filling: Callable[[], None] | None = None
        limit = read_limit(files) or math.inf
        self._warnings = [share * limit for share in WARNINGS]
        self._kills_before = read_oom_kills(files)
        self._peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def start(
        self, *, give_up: Callable[[], None], filling: Callable[[], None] | None = None
    ) -> None:
        self._give_up = give_up
        self._filling = filling
        if self._files is not None:
            self._thread.start()

    def kills(self) -> int:
        """Processes of this container that the kernel killed for their memory since the step began."""
        return read_oom_kills(self._files) - self._kills_before

    def stop(self) -> int | None:
        """End sampling; the peak in bytes, None where there is no cgroup to read."""
        if self._files is None:
            return None
        self._stop.set()
        self._thread.join()
        return self._peak or None

    def _run(self) -> None:
        assert self._files is not None
        while True:
            self._peak = max(self._peak, read_working_set(self._files))
            if self._passed_a_warning() and self._filling is not None:
                self._filling()
            if self._give_up is not None and self.kills() >= MOST_KILLS:
                self._give_up()
                self._give_up = None
            if self._stop.wait(SAMPLE_SECONDS):
                return

    def _passed_a_warning(self) -> bool:
        ahead = [warning for warning in self._warnings if warning > self._peak]
        passed = len(ahead) < len(self._warnings)
        self._warnings = ahead
        return passed
