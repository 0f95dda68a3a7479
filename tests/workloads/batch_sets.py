"""Sets to score, models to score them with, and a batch over them without Ray."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from soloist_workloads.batch.partitions import plan_partitions
from soloist_workloads.batch.place import Place
from soloist_workloads.batch.records import forget, records
from soloist_workloads.batch.scoring import Scored, Target, score_partition
from soloist_workloads.serving.loading import load_scorer
from soloist_workloads.serving.scorer import Scorer
from soloist_workloads.serving.signature import read_card

EDGES = [
    0.0, -0.0, 0.1, 1 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1e-300, 9007199254740993.0,
    123456.789, float("inf"), float("-inf"), float("nan"), None, 1.0, -7.25,
]  # fmt: skip


def write_parquet(storage: Path, path: str, columns: Any, *, group: int = 1000) -> None:
    target = storage / path
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), target, row_group_size=group)


def save_linear(folder: Path, columns: int = 24) -> Path:
    """A linear model of many columns: a matrix product rounds otherwise for one row than for many."""
    import mlflow.sklearn
    import pandas as pd
    from mlflow.models import infer_signature
    from sklearn.linear_model import LinearRegression

    chance = np.random.default_rng(7)
    names = [f"x{place}" for place in range(columns)]
    given = pd.DataFrame(chance.normal(size=(200, columns)), columns=names)
    model = LinearRegression().fit(given, given.to_numpy() @ chance.normal(size=columns))
    signature = infer_signature(given, model.predict(given))
    mlflow.sklearn.save_model(model, folder, signature=signature, pip_requirements=[])
    return folder


def save_forest(folder: Path, columns: int = 5) -> Path:
    """Trees: each row is walked by itself."""
    import mlflow.sklearn
    import pandas as pd
    from mlflow.models import infer_signature
    from sklearn.ensemble import RandomForestRegressor

    chance = np.random.default_rng(7)
    given = pd.DataFrame(
        chance.normal(size=(100, columns)), columns=[f"x{place}" for place in range(columns)]
    )
    model = RandomForestRegressor(10, random_state=1).fit(given, given.sum(axis=1))
    mlflow.sklearn.save_model(
        model,
        folder,
        signature=infer_signature(given, model.predict(given)),
        skops_trusted_types=["sklearn.tree._tree.Tree"],
        pip_requirements=[],
    )
    return folder


def load(folder: Path) -> Scorer:
    return load_scorer(read_card(folder))


def score(
    scorer: Scorer,
    storage: Path,
    *,
    given: str = "in",
    output: str = "out",
    endpoint: str = "team/flights",
    model: str = "v1",
    csv_bytes: int = 1 << 25,
) -> list[Scored]:
    """The whole set, one partition after the other in this process."""
    place = Place(str(storage))
    target = Target(place, output, endpoint, model)
    partitions = plan_partitions(place, given, csv_bytes=csv_bytes)
    done = [score_partition(scorer, one, target) for one in partitions]
    names = {one.name for one in partitions}
    for record in records(place, output):
        if record.endpoint == endpoint and record.name not in names:
            forget(place, output, record)
    return done


def results(storage: Path, output: str = "out") -> dict[str, bytes]:
    """Every file of the output and its content, by its path in the folder."""
    folder = storage / output
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def record(storage: Path, name: str, output: str = "out") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((storage / output / "_soloist" / f"{name}.json").read_text())
    return found
