"""How much memory a model's own process may take, so that the container's limit never ends the server beside it.

Where a container's memory runs out, Kubernetes has the kernel end all of its processes at once. So the process is bounded
below that: an allocation too many fails in it, as MemoryError or as a crash of it alone.
"""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
# The server's own process: itself, and the bodies of requests that it holds.
SERVER_BYTES = 256 * 1024 * 1024
# Room for a request even where the model alone fills its share.
LEAST_GROWTH_BYTES = 64 * 1024 * 1024


def read_share(root: Path = CGROUP_ROOT) -> int:
    """The container's limit without the server's part; 0 where there is no limit."""
    for file in (root / "memory.max", root / "memory" / "memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            limit = int(file.read_text())
            return max(limit - SERVER_BYTES, limit // 2) if limit < 2**60 else 0
    return 0


def bound_growth(share: int) -> None:
    """From now on, this process may grow until it really uses `share`.

    The kernel counts what was asked for, not what is used: stacks and arenas of libraries that nobody has touched
    would eat up the share. So the bound is set after the model is loaded, from what is used by then.
    """
    asked, used = _status("VmData"), _status("VmRSS")
    growth = max(share - used, LEAST_GROWTH_BYTES)
    with suppress(ValueError, OSError):  # an administrator's own limit is lower, and stays
        resource.setrlimit(resource.RLIMIT_DATA, (asked + growth, asked + growth))


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    return 0


def offer_to_the_killer() -> None:
    """Where the kernel ends one process only, let it be this one."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
