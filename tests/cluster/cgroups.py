"""The kubelet's own corner of the control groups.

A kubelet ends what it finds in its groups and doesn't know. Under a root of its own it can't meet the pods of another
Kubernetes on the same machine.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from tests.cluster.layout import State

MOUNT = Path("/sys/fs/cgroup")


def name(state: State) -> str:
    return f"soloist-{hashlib.sha256(str(state.root).encode()).hexdigest()[:8]}"


def hierarchies() -> Iterator[Path]:
    """Version 2 is one tree; version 1 has one per controller, and some of them under two names."""
    if (MOUNT / "cgroup.controllers").exists():
        yield MOUNT
        return
    for path in MOUNT.iterdir():
        if path.is_dir() and not path.is_symlink() and (path / "cgroup.procs").exists():
            yield path


def ensure(state: State) -> None:
    """Make the root; the kubelet refuses one that isn't there."""
    for hierarchy in hierarchies():
        folder = hierarchy / name(state)
        folder.mkdir(exist_ok=True)
        # Version 1: a new group of this controller may use no processor until it is told.
        for setting in ("cpuset.cpus", "cpuset.mems"):
            above = hierarchy / setting
            if above.exists():
                (folder / setting).write_text(above.read_text())


def remove(state: State) -> None:
    """What the kubelet left; the kernel refuses to remove a group that still holds a process."""
    for hierarchy in hierarchies():
        root = hierarchy / name(state)
        below = sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True)
        for folder in (*below, root):
            with contextlib.suppress(OSError):
                folder.rmdir()
