"""`python -m tests.benchmarks.optimized`: the processor's time for a request, by the model and by its graph."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

REQUESTS, ROUNDS = 400, 7
NAMES = [f"x{number}" for number in range(10)]


def main() -> None:
    warnings.simplefilter("ignore")
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    table = pd.DataFrame(np.random.default_rng(0).normal(size=(2000, 10)), columns=NAMES)
    answers = (table["x0"] * table["x1"] > 0).astype(int)
    trees = [int(number) for number in sys.argv[1:]] or [100]
    models = {"LogisticRegression": LogisticRegression()}
    models |= {f"RandomForestClassifier({n})": RandomForestClassifier(n, n_jobs=1) for n in trees}
    with tempfile.TemporaryDirectory() as root:
        for name, model in models.items():
            measure(name, model.fit(table, answers), table, Path(root) / name)


def measure(name: str, model: object, table: pd.DataFrame, folder: Path) -> None:
    import mlflow.sklearn
    from mlflow.models import infer_signature

    from soloist_workloads.environment import FetchSettings, TrackingSettings
    from soloist_workloads.optimize.attempt import settle
    from soloist_workloads.optimize.verdict import folder_of

    mlflow.sklearn.save_model(
        model, folder, signature=infer_signature(table), serialization_format="cloudpickle", pip_requirements=[]
    )  # fmt: skip
    table.head(200).to_parquet(folder / "parity_rows.parquet")
    asked = FetchSettings("", folder, TrackingSettings("", None), "onnx", allow_pickle=True)
    started = time.perf_counter()
    verdict = settle(asked)
    took = time.perf_counter() - started
    size = sum(file.stat().st_size for file in folder_of(folder).glob("*.onnx"))
    print(f"{name}: {verdict.message} Converted in {took:.1f} s, {size / 1e6:.1f} MB.")
    for rows in (1, 64):
        original, graph = (time_requests(folder, table, rows, form) for form in ("", "onnx"))
        print(f"  {rows} rows: the model {original:.3f} ms, its graph {graph:.3f} ms")


def time_requests(folder: Path, table: pd.DataFrame, rows: int, optimize: str) -> float:
    """Milliseconds of this process for a request, from its bytes to the answer's."""
    from soloist_workloads.serving.answerer import Answerer, Question
    from soloist_workloads.serving.loading import load_scorer
    from soloist_workloads.serving.metrics import Metrics
    from soloist_workloads.serving.signature import read_card

    scorer = load_scorer(read_card(folder), optimize=optimize)
    answerer = Answerer(scorer, Metrics(model="m", version="1"), model="m", version="1")
    split = {"columns": NAMES, "data": table.head(rows).to_numpy().tolist()}
    question = Question("v1", json.dumps({"dataframe_split": split}).encode(), "application/json")
    answerer.answer([question])
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(REQUESTS // 4 if rows > 1 else REQUESTS):
            answerer.answer([question])
        taken.append((time.process_time() - started) / (REQUESTS // 4 if rows > 1 else REQUESTS))
    return 1000 * median(taken)


if __name__ == "__main__":
    main()
