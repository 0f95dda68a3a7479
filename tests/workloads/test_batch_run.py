"""The whole set: a model from MLflow, actors that die, numbers that MLflow is told. Ray is started once, for two tests."""

from __future__ import annotations

import hashlib
import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from soloist_workloads.batch.__main__ import run
from soloist_workloads.batch.model import digest_of_model
from soloist_workloads.batch.partitions import Partition
from soloist_workloads.batch.problem import BatchProblem
from soloist_workloads.batch.running import PLACE, RESULT, ScorePartitions
from soloist_workloads.batch.scoring import Target
from soloist_workloads.batch.settings import BatchSettings, parse_batch
from soloist_workloads.environment import SettingsError, TrackingSettings
from soloist_workloads.fetch import FetchError
from tests.workloads.batch_sets import load, results, save_linear, score, write_parquet
from tests.workloads.fake_mlflow import FakeMlflow, fake_mlflow

pytestmark = pytest.mark.timeout(400)

PARTITIONS, ROWS = 6, 50
# The operator's own ways to write them.
PARAMS = (
    '{"endpoint": "team/flights", "model": "flights", "version": "1", "artifact": "models:/m-1", "image": "runtime:1",'
    ' "allow_pickle": false, "input": "in", "output": "out"}'
)


@pytest.fixture(scope="module")
def _ray() -> Iterator[None]:
    """A folder of its own, so that no cluster of this machine is joined; and short, as the paths of sockets must be."""
    known = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    # Ray's workers give way to everything else, and on a busy machine never get to run.
    known["RAY_worker_niceness"] = "0"
    with tempfile.TemporaryDirectory(
        prefix="ray-", dir="/tmp", ignore_cleanup_errors=True
    ) as folder:
        before = dict(os.environ)
        os.environ.update({**known, "RAY_TMPDIR": folder})
        import ray

        ray.init(
            num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1"
        )
        try:
            yield
        finally:
            ray.shutdown()
            os.environ.clear()
            os.environ.update(before)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_linear(tmp_path_factory.mktemp("linear") / "model")


@pytest.fixture
def mlflow() -> Iterator[FakeMlflow]:
    with fake_mlflow() as server:
        yield server


def publish(mlflow: FakeMlflow, name: str, folder: Path) -> None:
    mlflow.models[name] = f"mlflow-artifacts:/1/models/{name}"
    for file in (one for one in folder.rglob("*") if one.is_file()):
        mlflow.artifacts[f"1/models/{name}/{file.relative_to(folder)}"] = file.read_bytes()


def settings_of(tmp_path: Path, mlflow: FakeMlflow, **changes: Any) -> BatchSettings:
    env = {
        "SOLOIST_PARAMS": PARAMS,
        "SOLOIST_STORAGE": f"{tmp_path}/",
        "MLFLOW_TRACKING_URI": mlflow.uri,
        "MLFLOW_RUN_ID": "run-1",
    }
    return replace(parse_batch(env), **{"artifact": f"models:/{unique(tmp_path)}", **changes})


def unique(tmp_path: Path) -> str:
    """A model's folder outlives its test, as it outlives an attempt in a pod."""
    return hashlib.sha256(f"{os.getpid()} {tmp_path}".encode()).hexdigest()


def columns(rows: int) -> dict[str, Any]:
    chance = np.random.default_rng(1)
    return {f"x{n}": chance.normal(size=rows) for n in range(24)}


def here(
    settings: BatchSettings, partitions: list[Partition], target: Target
) -> Iterator[dict[str, Any]]:
    """As on Ray, with one actor that is this process."""
    actor = ScorePartitions(settings, partitions, target)
    for number in range(len(partitions)):
        yield from actor({PLACE: [number]})[RESULT]


@pytest.mark.usefixtures("_ray")
def test_a_set_is_scored_and_what_is_done_is_left_out(
    tmp_path: Path, mlflow: FakeMlflow, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(mlflow, unique(tmp_path), model)
    settings = settings_of(tmp_path, mlflow)
    write_parquet(tmp_path, "in/a.parquet", columns(PARTITIONS * ROWS), group=ROWS)
    write_parquet(tmp_path, "in/b.parquet", columns(1))
    run(settings)
    assert mlflow.metrics.pop("seconds") > 0
    assert mlflow.metrics == {
        "rows_scored": PARTITIONS * ROWS + 1, "rows_refused": 0, "partitions": PARTITIONS + 1, "partitions_skipped": 0,
    }  # fmt: skip

    # It is what one process writes, and can be read as one table.
    alone = tmp_path / "alone"
    for name in ("a", "b"):
        write_parquet(
            alone, f"in/{name}.parquet", pq.read_table(tmp_path / f"in/{name}.parquet"), group=ROWS
        )
    score(load(model), alone, model=digest_of_model(model, "runtime:1"))
    assert results(tmp_path) == results(alone)
    assert pq.read_table(tmp_path / "out").num_rows == PARTITIONS * ROWS + 1

    # Again: nothing is scored, and the results of what is gone go.
    (tmp_path / "in/b.parquet").unlink()
    capsys.readouterr()
    run(settings, here)
    assert mlflow.metrics["partitions_skipped"] == PARTITIONS
    said = capsys.readouterr().out
    assert "Removed the results b-00000.parquet: their part of the input is no more." in said
    assert said.splitlines()[-1] == (
        f"Scored {PARTITIONS * ROWS} rows into out, refused 0; {PARTITIONS} of {PARTITIONS} partitions were done before."
    )
    assert not any("b-00000" in name for name in results(tmp_path))

    # Another image rounds as it may: all is scored again.
    run(replace(settings, image="runtime:2"), here)
    assert mlflow.metrics["partitions_skipped"] == 0


def save_mortal(folder: Path, mark: Path) -> Path:
    """A model that takes its process with it, once."""
    import mlflow.sklearn
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    path = str(mark)

    class Mortal:
        def predict(self, given: pd.DataFrame) -> Any:
            if given["x"].iloc[0] == 3.0 and not Path(path).exists():
                Path(path).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return given["x"].to_numpy() * 2

    signature = ModelSignature(inputs=Schema([ColSpec("double", "x")]))
    mlflow.sklearn.save_model(
        Mortal(),
        folder,
        signature=signature,
        serialization_format="cloudpickle",
        pip_requirements=[],
    )
    return folder


@pytest.mark.usefixtures("_ray")
def test_an_actor_that_is_killed_harms_no_row(tmp_path: Path, mlflow: FakeMlflow) -> None:
    mark = tmp_path / "killed"
    publish(mlflow, unique(tmp_path), save_mortal(tmp_path / "model", mark))
    write_parquet(tmp_path, "in/a.parquet", {"x": [1.0, 2.0, 3.0, 4.0]}, group=2)
    run(settings_of(tmp_path, mlflow, allow_pickle=True))
    assert mark.exists()
    found = pq.read_table(tmp_path / "out")
    assert sorted(found["prediction"].to_pylist()) == [2.0, 4.0, 6.0, 8.0]


def test_what_is_wrong_with_a_partition_is_one_sentence(
    tmp_path: Path, mlflow: FakeMlflow, model: Path
) -> None:
    publish(mlflow, unique(tmp_path), model)
    write_parquet(tmp_path, "in/a.parquet", {"y": [1.0]})
    with pytest.raises(
        BatchProblem, match=r"^in/a\.parquet \(part 0\): The model needs columns x0 \(double\)"
    ):
        run(settings_of(tmp_path, mlflow), here)


def test_a_set_of_which_every_row_is_refused_is_no_success(
    tmp_path: Path, mlflow: FakeMlflow, model: Path
) -> None:
    publish(mlflow, unique(tmp_path), model)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.csv").write_text(",".join(columns(0)) + "\n" + ",".join(["high"] * 24))
    with pytest.raises(
        BatchProblem, match=r"All 1 rows were refused\. The first one: Column x0 must be double"
    ):
        run(settings_of(tmp_path, mlflow), here)
    assert (tmp_path / "out/_refused/a-00000.csv").exists()


def test_a_model_that_runs_code_needs_the_endpoints_permission(
    tmp_path: Path, mlflow: FakeMlflow
) -> None:
    publish(mlflow, unique(tmp_path), save_mortal(tmp_path / "model", tmp_path / "never"))
    write_parquet(tmp_path, "in/a.parquet", {"x": [1.0]})
    with pytest.raises(
        BatchProblem, match="is saved as cloudpickle, which runs code when it is loaded"
    ):
        run(settings_of(tmp_path, mlflow), here)


def test_a_model_that_is_gone_is_said(tmp_path: Path, mlflow: FakeMlflow) -> None:
    write_parquet(tmp_path, "in/a.parquet", {"x0": [1.0]})
    with pytest.raises(FetchError, match="could not be fetched"):
        run(settings_of(tmp_path, mlflow), here)


def test_numbers_that_mlflow_does_not_take_cost_no_result(
    tmp_path: Path, mlflow: FakeMlflow, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(mlflow, unique(tmp_path), model)
    write_parquet(tmp_path, "in/a.parquet", columns(2))
    nobody = TrackingSettings(uri=mlflow.uri, run_id="run-1")
    run(settings_of(tmp_path, mlflow), here)
    mlflow.is_down = True
    run(settings_of(tmp_path, mlflow, tracking=nobody), here)
    assert "The numbers did not reach MLflow" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("env", "said"),
    [
        pytest.param({}, "SOLOIST_PARAMS is not what the operator writes for a batch", id="no parameters"),
        pytest.param({"SOLOIST_PARAMS": PARAMS}, "SOLOIST_STORAGE is not set", id="no storage"),
    ],
)  # fmt: skip
def test_a_step_that_nobody_set_up_says_so(env: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_batch(env)
