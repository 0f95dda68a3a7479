"""MLflow as far as a pod needs it: a run's log and parameters, a model's files.

Through REST with the standard library: importing `mlflow` costs two seconds and 150 MB in every step and every
start of a serving pod. `mlflow` is imported only for what plain HTTP can't do (artifacts kept directly in S3,
a local SQLite store).
"""

from __future__ import annotations

from soloist_workloads.tracking.open import open_model_store, open_run_store
from soloist_workloads.tracking.ports import (
    ModelStore,
    RunStore,
    TrackingError,
    TrackingRefused,
)

__all__ = [
    "ModelStore",
    "RunStore",
    "TrackingError",
    "TrackingRefused",
    "open_model_store",
    "open_run_store",
]
