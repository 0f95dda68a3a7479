"""The server is started exactly as MLflow's own launcher would start it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.chart.helm import CHART

PACKAGE = Path(str(importlib.util.find_spec("mlflow").origin)).parent  # type: ignore[union-attr]  # it is installed

# Runs `mlflow server` up to where it would start uvicorn, and prints that instead.
LISTEN = """
import json, sys
import mlflow.server

def listen(command, extra_env, **how):
    print("LAUNCH " + json.dumps([command, extra_env]))
    sys.exit(0)

mlflow.server._exec_cmd = listen
import mlflow.cli
mlflow.cli.cli(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def serve() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "soloist_chart_serve", CHART / "files" / "serve.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def environment(folder: Path, *, protected: bool) -> dict[str, str]:
    """What the chart gives the server."""
    database = f"sqlite:///{folder}/mlflow.db"
    given = {
        "MLFLOW_BACKEND_STORE_URI": database,
        "MLFLOW_HOST": "0.0.0.0",
        "MLFLOW_PORT": "5000",
        "MLFLOW_WORKERS": "1",
        "MLFLOW_SERVE_ARTIFACTS": "true",
        "MLFLOW_ARTIFACTS_DESTINATION": str(folder / "artifacts"),
        "MLFLOW_EXPOSE_PROMETHEUS": str(folder / "prometheus"),
        "MLFLOW_SERVER_ALLOWED_HOSTS": "mlflow:5000",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    if not protected:
        return given
    configuration = folder / "basic_auth.ini"
    configuration.write_text(f"[mlflow]\ndefault_permission = READ\ndatabase_uri = {database}\n")
    return given | {
        "MLFLOW_AUTH_CONFIG_PATH": str(configuration),
        "MLFLOW_AUTH_ADMIN_USERNAME": "admin",
        "MLFLOW_AUTH_ADMIN_PASSWORD": "a long enough password",
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "key",
    }


def launched(given: dict[str, str], words: list[str]) -> tuple[list[str], dict[str, str]]:
    done = subprocess.run(
        [sys.executable, "-c", LISTEN, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **given},
    )
    said = [line for line in done.stdout.splitlines() if line.startswith("LAUNCH ")]
    assert said, done.stderr[-2000:]
    command, added = json.loads(said[0].removeprefix("LAUNCH "))
    return command, added


@pytest.mark.parametrize(
    "protected", [pytest.param(False, id="open"), pytest.param(True, id="with a password")]
)
def test_the_server_gets_what_mlflows_launcher_would_give_it(
    serve: ModuleType, tmp_path: Path, protected: bool
) -> None:
    given = environment(tmp_path, protected=protected)
    theirs, their_environment = launched(given, serve.launcher(given)[1:])
    ours, our_environment = serve.direct(given, PACKAGE)

    assert ours == theirs
    # Theirs made the administrator already and says so; ours leaves it to the one worker. The rest hands on what it was given.
    extra = {"_MLFLOW_AUTH_ADMIN_BOOTSTRAPPED", "MLFLOW_FLASK_SERVER_SECRET_KEY"}
    assert _fixed(our_environment) == {
        k: v for k, v in _fixed(their_environment).items() if k not in extra
    }


def _fixed(environment: dict[str, str]) -> dict[str, str]:
    assert environment["_MLFLOW_SERVER_BOOT_ID"]
    return {key: value for key, value in environment.items() if key != "_MLFLOW_SERVER_BOOT_ID"}


@pytest.mark.parametrize(
    ("version", "workers", "program"),
    [
        pytest.param("3.17.2", "1", "uvicorn", id="one worker"),
        pytest.param("3.17.2", "2", "mlflow", id="several workers"),
        pytest.param("3.18.0", "1", "mlflow", id="a version not compared"),
    ],
)
def test_the_launcher_is_left_out_only_where_that_was_compared(
    serve: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    workers: str,
    program: str,
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(serve.importlib.metadata, "version", lambda name: version)
    monkeypatch.setattr(serve.os, "execvpe", lambda *words: started.append(words))
    for name, value in (
        environment(tmp_path, protected=False) | {"MLFLOW_WORKERS": workers}
    ).items():
        monkeypatch.setenv(name, value)
    serve.main()
    ((_, command, _),) = started
    assert program in (command[0], command[2] if len(command) > 2 else "")
