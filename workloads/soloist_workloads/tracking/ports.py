"""What the step runner and the model fetcher ask of MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class TrackingError(Exception):
    """MLflow did not do it this time; the message says which address and why."""


class TrackingRefused(TrackingError):
    """MLflow answered and said no: asking again will not help."""


class RunStore(Protocol):
    """One MLflow run, created beforehand by the operator."""

    def put_artifact(self, path: str, content: bytes) -> None:
        """Write one artifact, replacing an earlier one of the same path."""

    def log_param(self, name: str, value: str) -> None:
        """Record a parameter; `TrackingRefused` when the run already has another value for it."""

    def log_metric(self, name: str, value: float) -> None:
        """Record a number, as it is now."""


class ModelStore(Protocol):
    """Where models come from."""

    def download(self, model_uri: str, into: Path) -> None:
        """Bring every file of a model into an existing, empty folder."""
