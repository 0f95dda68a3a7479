"""`python -m soloist_workloads.fetch`: brings a model onto the endpoint's volume, whole or not at all.

A pod that restarts while MLflow is down must come up: when the folder is there, nothing is asked of anyone.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from soloist_workloads.environment import FetchSettings, SettingsError, parse_fetch
from soloist_workloads.last_words import leave_last_words
from soloist_workloads.scratch import SCRATCH_PREFIX, remove_abandoned, sync, sync_entry


class FetchError(Exception):
    """The model isn't there and could not be brought; the message says why."""


def fetch(settings: FetchSettings) -> bool:
    """Make the model's folder exist; False when it was there already."""
    target = settings.model_dir
    if (target / "MLmodel").is_file():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(target.parent)
    scratch = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=target.parent))
    try:
        _download(settings, scratch)
        sync(scratch)
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
    sync_entry(target.parent)


def main() -> int:
    try:
        settings = parse_fetch(os.environ)
        fetched = fetch(settings)
    except (FetchError, SettingsError, OSError) as error:
        leave_last_words(str(error))
        return 1
    print(f"{settings.model_uri} is {'now' if fetched else 'already'} in {settings.model_dir}.")
    if settings.optimize:
        from soloist_workloads.optimize.attempt import settle

        leave_last_words(settle(settings).told())
    return 0


if __name__ == "__main__":
    sys.exit(main())
