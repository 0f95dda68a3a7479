"""MLflow through its own client, for stores that plain HTTP can't reach. Imports `mlflow`, so it is imported late."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from soloist_workloads.tracking.ports import (
    ModelStore,
    RunStore,
    TrackingError,
    TrackingRefused,
)


class ClientRun(RunStore):
    def __init__(self, tracking_uri: str, run_id: str) -> None:
        self._client = MlflowClient(tracking_uri)
        self._run_id = run_id

    def put_artifact(self, path: str, content: bytes) -> None:
        folder, _, name = path.rpartition("/")
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / name
            file.write_bytes(content)
            try:
                self._client.log_artifact(self._run_id, str(file), folder or None)
            except Exception as error:
                raise TrackingError(f"The artifact store refused {path}: {error}") from error

    def log_param(self, name: str, value: str) -> None:
        try:
            self._client.log_param(self._run_id, name, value)
        except MlflowException as error:
            raise TrackingRefused(str(error.message)) from error

    def log_metric(self, name: str, value: float) -> None:
        try:
            self._client.log_metric(self._run_id, name, value)
        except MlflowException as error:
            raise TrackingRefused(str(error.message)) from error


class ClientModels(ModelStore):
    def __init__(self, tracking_uri: str) -> None:
        self._tracking_uri = tracking_uri

    def download(self, model_uri: str, into: Path) -> None:
        try:
            download_artifacts(model_uri, dst_path=str(into), tracking_uri=self._tracking_uri)
        except Exception as error:
            raise TrackingError(f"{model_uri} could not be downloaded: {error}") from error
