"""`python -m soloist_workloads.fetch`: brings a model onto the endpoint's volume, whole or not at all.

A pod that restarts while MLflow is down must come up: when the folder is there, nothing is asked of anyone.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from soloist_workloads.environment import FetchSettings, SettingsError, parse_fetch
from soloist_workloads.last_words import leave_last_words

SCRATCH_PREFIX = ".fetching-"

# A fetch that was killed leaves its scratch folder. No fetch of a pod that is still starting is this old.
ABANDONED_AFTER_SECONDS = 3600


class FetchError(Exception):
    """The model isn't there and could not be brought; the message says why."""


def fetch(settings: FetchSettings) -> bool:
    """Make the model's folder exist; False when it was there already."""
    target = settings.model_dir
    if (target / "MLmodel").is_file():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(target.parent, now=time.time())
    scratch = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=target.parent))
    try:
        _download(settings, scratch)
        _sync(scratch)
        scratch.chmod(0o755)
        _move_into_place(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return True


def _download(settings: FetchSettings, scratch: Path) -> None:
    from soloist_workloads.tracking import TrackingError, open_model_store

    try:
        open_model_store(settings.tracking).download(settings.model_uri, scratch)
    except TrackingError as error:
        raise FetchError(f"Model {settings.model_uri} could not be fetched. {error}") from error
    if not (scratch / "MLmodel").is_file():
        raise FetchError(
            f"Model {settings.model_uri} has no MLmodel file in MLflow's artifact store: its files were "
            "deleted, or its upload never finished. Start a new Run."
        )


def _move_into_place(scratch: Path, target: Path) -> None:
    """Rename; when another pod was faster, its copy is as good as ours."""
    try:
        scratch.rename(target)
    except OSError:
        if not (target / "MLmodel").is_file():
            raise
        return
    _sync_entry(target.parent)


def _sync(folder: Path) -> None:
    """Bring files to the disk before the rename makes them official: a node may lose power."""
    for parent, _, names in os.walk(folder):
        for name in names:
            _sync_entry(Path(parent) / name)
        _sync_entry(Path(parent))


def _sync_entry(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(folder: Path, *, now: float) -> None:
    for scratch in folder.glob(f"{SCRATCH_PREFIX}*"):
        try:
            abandoned = now - scratch.stat().st_mtime > ABANDONED_AFTER_SECONDS
        except FileNotFoundError:
            continue  # its owner finished meanwhile
        if abandoned:
            shutil.rmtree(scratch, ignore_errors=True)


def main() -> int:
    try:
        settings = parse_fetch(os.environ)
        fetched = fetch(settings)
    except (FetchError, SettingsError, OSError) as error:
        leave_last_words(str(error))
        return 1
    print(f"{settings.model_uri} is {'now' if fetched else 'already'} in {settings.model_dir}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
