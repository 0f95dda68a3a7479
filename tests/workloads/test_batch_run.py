"""The step as a pod runs it: a process, Ray, a model from MLflow; killed, and run again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.workloads.batch_sets import load, results, save_linear, score, write_parquet
from tests.workloads.fake_mlflow import FakeMlflow, fake_mlflow

PARTITIONS, ROWS = 12, 300


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_linear(tmp_path_factory.mktemp("linear") / "model")


@pytest.fixture(scope="module")
def ray_folder() -> Iterator[str]:
    """Its own, so that no cluster of this machine is joined; and short, as the paths of sockets must be."""
    with tempfile.TemporaryDirectory(
        prefix="ray-", dir="/tmp", ignore_cleanup_errors=True
    ) as folder:
        yield folder


@pytest.fixture
def mlflow(model: Path) -> Iterator[FakeMlflow]:
    with fake_mlflow() as server:
        server.models["m-1"] = "mlflow-artifacts:/1/models/m-1"
        for file in (one for one in model.rglob("*") if one.is_file()):
            server.artifacts[f"1/models/m-1/{file.relative_to(model)}"] = file.read_bytes()
        yield server


def environment(
    tmp_path: Path, mlflow: FakeMlflow, ray_folder: str, **params: Any
) -> dict[str, str]:
    told = {
        "endpoint": "team/flights", "model": "flights", "version": "1", "artifact": "models:/m-1", "image": "runtime:1",
        "allow_pickle": False, "input": "in", "output": "out", **params,
    }  # fmt: skip
    (tmp_path / "tmp").mkdir(exist_ok=True)
    return {
        **os.environ,
        "SOLOIST_PARAMS": json.dumps(told),
        "SOLOIST_STORAGE": str(tmp_path),
        "MLFLOW_TRACKING_URI": mlflow.uri,
        "MLFLOW_RUN_ID": "run-1",
        "TMPDIR": str(tmp_path / "tmp"),
        "RAY_TMPDIR": ray_folder,
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
    }


def command(env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "soloist_workloads.batch"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_a_killed_batch_goes_on_where_it_was_and_tells_mlflow(
    tmp_path: Path, mlflow: FakeMlflow, model: Path, ray_folder: str
) -> None:
    chance = np.random.default_rng(1)
    columns = {f"x{n}": chance.normal(size=PARTITIONS * ROWS) for n in range(24)}
    write_parquet(tmp_path, "in/a.parquet", columns, group=ROWS)
    env = environment(tmp_path, mlflow, ray_folder)

    # The first is killed when it has said that a partition is done.
    first = command(env)
    assert first.stdout is not None
    told = [line for line in iter(first.stdout.readline, "") if not told_enough(first, line)]
    assert first.wait() == -signal.SIGKILL, "".join(told)
    before = {name for name in results(tmp_path) if name.startswith("a-")}
    assert 0 < len(before) < PARTITIONS

    # The second finishes, and leaves out what is done.
    second = command(env)
    said, _ = second.communicate(timeout=300)
    assert second.returncode == 0, said
    assert "done before" in said
    assert mlflow.metrics["rows_scored"] == PARTITIONS * ROWS
    assert mlflow.metrics["rows_refused"] == 0
    assert 0 < mlflow.metrics["partitions_skipped"] < PARTITIONS
    assert mlflow.metrics["seconds"] > 0

    # What it wrote is what one process writes that nobody kills, but for the digest of the model.
    alone = tmp_path / "alone"
    shutil.copytree(tmp_path / "in", alone / "in")
    score(load(model), alone)
    ours, theirs = results(tmp_path), results(alone)
    assert {n: c for n, c in ours.items() if n.startswith("a-")} == {
        n: c for n, c in theirs.items() if n.startswith("a-")
    }
    assert ours.keys() == theirs.keys()
    assert pq.read_table(tmp_path / "out").num_rows == PARTITIONS * ROWS


def told_enough(process: subprocess.Popen[str], line: str) -> bool:
    if line.startswith(f"1/{PARTITIONS} "):
        os.kill(process.pid, signal.SIGKILL)
    return False


def test_what_is_wrong_is_the_last_line(
    tmp_path: Path, mlflow: FakeMlflow, ray_folder: str
) -> None:
    write_parquet(tmp_path, "in/a.parquet", {"y": [1.0]})
    process = command(environment(tmp_path, mlflow, ray_folder))
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    last = said.strip().splitlines()[-1]
    assert last.startswith(
        "in/a.parquet (part 0): The model needs columns x0 (double), x1 (double)"
    )


def test_a_model_that_is_gone_is_said_without_ray(
    tmp_path: Path, mlflow: FakeMlflow, ray_folder: str
) -> None:
    write_parquet(tmp_path, "in/a.parquet", {"x0": [1.0]})
    process = command(environment(tmp_path, mlflow, ray_folder, artifact="models:/m-2"))
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert said.strip().splitlines()[-1].startswith("Model models:/m-2 could not be fetched.")
