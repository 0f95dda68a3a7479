"""The folders that Runs leave on a project's volume: made by the step runner, removed by an init container.

`python -m soloist_workloads.storage` removes the folders of Runs that no longer exist. The operator can't:
it mounts no user's volume.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from soloist_workloads.environment import SettingsError, StorageSettings, parse_storage

MARKER = ".soloist-run"


def prepare_run_storage(run_storage: str | None) -> None:
    """Create a Run's folder with its marker; remote storage (`s3://…`) needs no folder."""
    folder = local_folder(run_storage)
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).touch()


def remove_old_runs(settings: StorageSettings) -> tuple[str, ...]:
    """Remove the folders of other Runs than `keep`, and return their names.

    `keep` was written down when our Run's cluster was made; a head that is replaced an hour later runs this again. So
    a folder that a step used since then stays, whoever's it is. Only folders with our marker go: people put their own data on the same volume, and a name alone doesn't
    tell whose it is.
    """
    folder = local_folder(settings.storage)
    if folder is None:
        return ()
    removed = []
    for run in sorted((folder / "runs").glob("*")):
        if run.name in settings.keep or run.is_symlink() or not (run / MARKER).is_file():
            continue
        if (run / MARKER).stat().st_mtime >= settings.since:
            continue
        _remove(run)
        removed.append(run.name)
    return tuple(removed)


def _remove(run: Path) -> None:
    """The marker goes last: a removal that is cut half-way is recognised and finished the next time."""
    for child in run.iterdir():
        if child.name == MARKER:
            continue
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child, ignore_errors=True)
        else:
            child.unlink(missing_ok=True)
    shutil.rmtree(run, ignore_errors=True)


def local_folder(location: str | None) -> Path | None:
    """The folder on a mounted volume; None for remote storage."""
    if not location or "://" in location:
        return None
    return Path(location)


def main() -> int:
    try:
        settings = parse_storage(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    for run in remove_old_runs(settings):
        print(f"Removed the folder of run {run}, which no longer exists.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
