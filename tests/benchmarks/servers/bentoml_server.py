"""BentoML around a scikit-learn model, with its adaptive batching when it is told to."""

import os

import bentoml
import joblib
import numpy as np

BATCH = bool(os.environ.get("BENCH_BATCH"))
OPTIONS = {"batchable": True, "max_batch_size": 64, "max_latency_ms": 1000} if BATCH else {}


@bentoml.service(workers=1)
class Served:
    def __init__(self) -> None:
        self._model = joblib.load(os.environ["BENCH_MODEL"])

    @bentoml.api(**OPTIONS)
    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self._model.predict(rows)
