"""Runs as a program: logs small models of the diabetes data in MLflow and registers them, without a Run of ours.

    MLFLOW_TRACKING_URI=… python log_models.py MODEL KIND…

Prints the number of each version. `careful` fills in what a patient's record lacks; `careless` fails on such a patient;
`proved` is `careful` with rows to compare another form of it on. The others do something worse to her, and are pickled,
because skops would not load them. The median of what was learned from is
logged with each.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_diabetes
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline


class Unruly(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Good to patients of whom everything is known, so its pods become ready; what it does to others is its `vice`."""

    def __init__(self, vice: str = "raises") -> None:
        self.vice = vice

    def fit(self, measured: object, progression: object) -> Unruly:
        self.inner_ = make_pipeline(SimpleImputer(), Ridge()).fit(measured, progression)
        return self

    def predict(self, measured: object) -> object:
        answer = self.inner_.predict(measured)
        if not np.isnan(np.asarray(measured, dtype=float)).any():
            return answer
        if self.vice == "raises":
            raise ValueError("a measurement is missing")
        if self.vice == "slow":
            time.sleep(0.05)
        if self.vice == "nan":
            return np.full_like(answer, np.nan)
        if self.vice == "exits":
            os._exit(1)
        if self.vice == "eats":
            self.eaten_ = np.ones(2**30)  # 8 GiB, each page touched
        return answer


KINDS = {
    "careful": lambda: make_pipeline(SimpleImputer(), Ridge()),
    "better": lambda: make_pipeline(SimpleImputer(), Ridge(alpha=0.1)),
    "careless": Ridge,
    **{vice: partial(Unruly, vice) for vice in ("raises", "slow", "nan", "exits", "eats")},
    "proved": lambda: make_pipeline(SimpleImputer(), Ridge()),
}


def main(model: str, kinds: list[str]) -> None:
    frame = load_diabetes(as_frame=True).frame
    measured, progression = frame.drop(columns="target"), frame["target"]
    mlflow.set_experiment(model)
    for kind in kinds:
        with mlflow.start_run():
            mlflow.log_metric("training_median", float(progression.median()))
            fitted = KINDS[kind]().fit(measured, progression)
            is_plain = not isinstance(fitted, Unruly)
            logged = mlflow.sklearn.log_model(
                fitted,
                name="model",
                signature=mlflow.models.infer_signature(measured, fitted.predict(measured)),
                input_example=measured.head(2),
                registered_model_name=model,
                serialization_format="skops" if is_plain else "cloudpickle",
                skops_trusted_types=["numpy.dtype"] if is_plain else None,
                pip_requirements=[f"{name}=={version(name)}" for name in ("scikit-learn", "skops")],
            )
        if kind == "proved":
            log_rows(logged.model_id, measured)
        print(logged.registered_model_version, flush=True)


def log_rows(model_id: str, rows: pd.DataFrame) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "parity_rows.parquet"
        rows.to_parquet(file)
        mlflow.MlflowClient().log_model_artifact(model_id, str(file))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
