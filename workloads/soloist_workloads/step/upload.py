"""Brings a step's log to MLflow while it grows, and its parameters once.

MLflow may be down at any moment. Nothing here may fail or delay a step that still works, so every error
becomes a line in the log and another try.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from soloist_workloads.environment import Scalar
from soloist_workloads.step.log import LogFile
from soloist_workloads.tracking import RunStore, TrackingError, TrackingRefused

UPLOAD_EVERY_SECONDS = 15.0
LAST_UPLOAD_PATIENCE_SECONDS = 300.0
RETRY_SECONDS = 5.0


class LogUploader:
    """Uploads the log file every 15 s while it grows, when told to hurry, and once more at the end."""

    def __init__(
        self,
        store: RunStore,
        file: LogFile,
        artifact: str,
        *,
        every_seconds: float = UPLOAD_EVERY_SECONDS,
        patience_seconds: float = LAST_UPLOAD_PATIENCE_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._store = store
        self._file = file
        self._artifact = artifact
        self._every_seconds = every_seconds
        self._patience_seconds = patience_seconds
        self._retry_seconds = retry_seconds
        self._uploaded: bytes | None = None
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="upload", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hurry(self) -> None:
        """Upload now: there may be no later."""
        self._wake.set()

    def finish(self) -> str | None:
        """Upload the whole log; waits for MLflow for up to five minutes. Returns why it gave up, or None."""
        self._ended = True
        self._wake.set()
        self._thread.join()
        deadline = time.monotonic() + self._patience_seconds
        while True:
            problem = self._upload()
            if problem is None or time.monotonic() >= deadline:
                return problem
            time.sleep(self._retry_seconds)

    def _run(self) -> None:
        while True:
            self._wake.wait(self._every_seconds)
            self._wake.clear()
            if self._ended:
                return
            self._upload()

    def _upload(self) -> str | None:
        content = self._file.read()
        if content == self._uploaded:
            return None
        try:
            self._store.put_artifact(self._artifact, content)
        except TrackingRefused:
            return None  # asking again would be refused again
        except TrackingError as error:
            return str(error)
        self._uploaded = content
        return None


def log_params(
    store: RunStore,
    step: str,
    params: Sequence[tuple[str, Scalar]],
    *,
    say: Callable[[str], None],
) -> None:
    """Record the step's parameters on the run.

    MLflow keeps a parameter's first value for ever. When two steps give one name two values, the later step
    records its own as `<step>.<name>`.
    """
    for name, value in params:
        try:
            try:
                store.log_param(name, str(value))
            except TrackingRefused:
                store.log_param(f"{step}.{name}", str(value))
        except TrackingError as error:
            say(f"soloist: parameter {name} was not recorded in MLflow: {error}")
            return
