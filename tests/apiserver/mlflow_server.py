"""A real MLflow tracking server for tests: SQLite, no job runners, gone with the test run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.ports import free_ports
from tests.e2e.eventually import eventually


@contextmanager
def mlflow_server() -> Iterator[str]:
    """Its address; it is up within ten seconds."""
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="soloist-mlflow-") as folder:
        process = _start(Path(folder), port)
        try:
            eventually(lambda: _is_up(address), within=240, what="MLflow's readiness")
            yield address
        finally:
            # All of it and at once: what it holds is thrown away, and its workers outlive a killed parent.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    # mlflow looks for uvicorn on the path.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = (
        *(sys.executable, "-m", "mlflow", "server"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
        *("--artifacts-destination", f"{folder}/artifacts"),
    )
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **quiet, "PATH": path},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _is_up(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
