"""How many processors this container may use: the cgroup's quota, which `os.cpu_count` doesn't know."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")


def openmp_environment(environ: Mapping[str, str], root: Path = CGROUP_ROOT) -> dict[str, str]:
    """What OpenMP (numpy, scikit-learn, LightGBM) must be told in a container, unless somebody already did.

    Its defaults are made for a machine of one's own: a thread per processor of the node, and threads that spin
    while they wait for each other. Beside other pods, each spin burns the time slice of the thread it waits for.
    """
    wanted = {"OMP_NUM_THREADS": str(count_processors(root)), "OMP_WAIT_POLICY": "PASSIVE"}
    return {name: value for name, value in wanted.items() if name not in environ}


def count_processors(root: Path = CGROUP_ROOT) -> int:
    """At least one; a fraction counts as a whole."""
    available = len(os.sched_getaffinity(0))
    quota = _quota(root)
    return max(1, min(available, math.ceil(quota))) if quota else available


def _quota(root: Path) -> float | None:
    try:
        quota, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (root / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (root / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    return int(quota) / int(period) if quota.isdigit() else None
