"""A model on the endpoint's volume: whole or not at all, once, and without MLflow the second time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from soloist_workloads.environment import FetchSettings, TrackingSettings
from soloist_workloads.fetch import FetchError, fetch
from soloist_workloads.scratch import ABANDONED_AFTER_SECONDS, SCRATCH_PREFIX
from tests.workloads.fake_mlflow import FakeMlflow, fake_mlflow

FILES = {
    "MLmodel": b"flavors: {}",
    "model.bin": b"x" * 3_000_000,
    "data/deep/two words.txt": b"hello",
}


@pytest.fixture
def mlflow() -> Iterator[FakeMlflow]:
    with fake_mlflow() as state:
        state.artifacts = {f"1/models/m-1/artifacts/{name}": body for name, body in FILES.items()}
        state.models = {
            "m-1": "mlflow-artifacts:/1/models/m-1/artifacts",
            "flights/3": "mlflow-artifacts:/1/models/m-1/artifacts",
            "flights/4": "models:/m-1",
            "flights/5": "mlflow-artifacts:/1/models/m-gone/artifacts",
        }
        yield state


def settings(mlflow: FakeMlflow, root: Path, uri: str = "models:/flights/3") -> FetchSettings:
    return FetchSettings(uri, root / "flights" / "3", TrackingSettings(mlflow.uri, None))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("uri", ["models:/m-1", "models:/flights/3", "models:/flights/4"])
def test_every_file_arrives(uri: str, mlflow: FakeMlflow, tmp_path: Path) -> None:
    assert fetch(settings(mlflow, tmp_path, uri))
    assert contents(tmp_path / "flights" / "3") == FILES
    assert [path.name for path in (tmp_path / "flights").iterdir()] == ["3"]


def test_a_model_that_is_there_is_not_asked_for(mlflow: FakeMlflow, tmp_path: Path) -> None:
    fetch(settings(mlflow, tmp_path))
    mlflow.requests.clear()
    assert not fetch(settings(mlflow, tmp_path))
    assert mlflow.requests == []


def test_pods_that_race_all_end_well(mlflow: FakeMlflow, tmp_path: Path) -> None:
    results: list[bool] = []
    threads = [
        threading.Thread(target=lambda: results.append(fetch(settings(mlflow, tmp_path))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert contents(tmp_path / "flights" / "3") == FILES
    assert [path.name for path in (tmp_path / "flights").iterdir()] == ["3"]


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("models:/flights/5", "has no MLmodel file"),
        ("models:/flights/6", "no such version"),
        ("models:/m-2", "no such model"),
    ],
)
def test_what_is_not_there_is_told_and_leaves_nothing(
    uri: str, sentence: str, mlflow: FakeMlflow, tmp_path: Path
) -> None:
    with pytest.raises(FetchError, match=sentence):
        fetch(settings(mlflow, tmp_path, uri))
    assert list((tmp_path / "flights").iterdir()) == []


def test_what_a_killed_fetch_left_is_removed_in_time(mlflow: FakeMlflow, tmp_path: Path) -> None:
    old, fresh = (tmp_path / "flights" / f"{SCRATCH_PREFIX}{name}" for name in ("old", "fresh"))
    old.mkdir(parents=True)
    fresh.mkdir()
    os.utime(old, (0, old.stat().st_mtime - ABANDONED_AFTER_SECONDS - 1))
    fetch(settings(mlflow, tmp_path))
    assert not old.exists()
    assert fresh.exists()


def test_mlflow_being_away_is_one_plain_sentence(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
        "SOLOIST_MODEL_URI": "models:/flights/3",
        "SOLOIST_MODEL_DIR": str(tmp_path / "flights" / "3"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "soloist_workloads.fetch"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "Model models:/flights/3 could not be fetched. MLflow at http://127.0.0.1:9 can't be reached: "
        "[Errno 111] Connection refused.\n"
    )
