"""Which run folders go, and which stay."""

from __future__ import annotations

import time
from pathlib import Path

from soloist_workloads.environment import StorageSettings
from soloist_workloads.storage import MARKER, prepare_run_storage, remove_old_runs

LATER = time.time() + 3600


def make_runs(root: Path, *names: str) -> None:
    for name in names:
        prepare_run_storage(str(root / "runs" / name))
        (root / "runs" / name / "table").mkdir()
        (root / "runs" / name / "table" / "part").write_text("x")


def remaining(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "runs").iterdir())


def test_folders_of_runs_that_are_gone_go(tmp_path: Path) -> None:
    make_runs(tmp_path, "r1", "r2", "r3")
    assert remove_old_runs(StorageSettings(str(tmp_path), frozenset({"r2"}), LATER)) == ("r1", "r3")
    assert remaining(tmp_path) == ["r2"]


def test_what_we_did_not_make_stays(tmp_path: Path) -> None:
    make_runs(tmp_path, "r1")
    (tmp_path / "runs" / "theirs").mkdir()
    (tmp_path / "runs" / "file").touch()
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "runs" / "r1")
    remove_old_runs(StorageSettings(str(tmp_path), frozenset({"r1"}), LATER))
    assert remaining(tmp_path) == ["file", "link", "r1", "theirs"]


def test_a_removal_that_was_cut_is_finished(tmp_path: Path) -> None:
    make_runs(tmp_path, "r1")
    (tmp_path / "runs" / "r1" / "table" / "part").unlink()
    assert (tmp_path / "runs" / "r1" / MARKER).exists()
    assert remove_old_runs(StorageSettings(str(tmp_path), frozenset(), LATER)) == ("r1",)
    assert remaining(tmp_path) == []


def test_remote_storage_is_left_alone() -> None:
    prepare_run_storage("s3://bucket/runs/r1")
    assert remove_old_runs(StorageSettings("s3://bucket", frozenset(), LATER)) == ()


def test_an_empty_volume_is_no_error(tmp_path: Path) -> None:
    assert remove_old_runs(StorageSettings(str(tmp_path), frozenset(), LATER)) == ()


def test_a_folder_that_was_used_since_stays_whoever_it_belongs_to(tmp_path: Path) -> None:
    make_runs(tmp_path, "newer")
    before = time.time() - 3600
    assert remove_old_runs(StorageSettings(str(tmp_path), frozenset({"ours"}), before)) == ()
    assert remaining(tmp_path) == ["newer"]
