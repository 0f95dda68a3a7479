"""Files that are made beside their place and renamed to it, so that nobody ever sees half of one."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

SCRATCH_PREFIX = ".fetching-"

# What was killed leaves its scratch folder. No pod that is still starting has one this old.
ABANDONED_AFTER_SECONDS = 3600


def sync(folder: Path) -> None:
    """Bring files to the disk before the rename makes them official: a node may lose power."""
    for parent, _, names in os.walk(folder):
        for name in names:
            sync_entry(Path(parent) / name)
        sync_entry(Path(parent))


def sync_entry(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_abandoned(folder: Path) -> None:
    now = time.time()
    for scratch in folder.glob(f"{SCRATCH_PREFIX}*"):
        try:
            abandoned = now - scratch.stat().st_mtime > ABANDONED_AFTER_SECONDS
        except FileNotFoundError:
            continue  # its owner finished meanwhile
        if abandoned:
            shutil.rmtree(scratch, ignore_errors=True)
