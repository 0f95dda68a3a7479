"""Start MLflow's server as `mlflow server` would, without the launcher.

The launcher imports all of MLflow to start uvicorn, which imports it again, and then waits beside
it: half of the start and of the memory (377 MB against 186 MB) for nothing. What it hands over are
environment variables with private names, so this is done only for the versions whose launcher
tests/chart/test_serve.py has compared with; any other is started by its own.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pathlib
import sys
import uuid
from collections.abc import Mapping

COMPARED = ("3.17.",)


def launcher(environment: Mapping[str, str]) -> list[str]:
    """The command that always works; its options are in the environment by their public names."""
    protected = "MLFLOW_AUTH_CONFIG_PATH" in environment
    return ["mlflow", "server", *(["--app-name=basic-auth"] if protected else [])]


def direct(
    environment: Mapping[str, str], package: pathlib.Path
) -> tuple[list[str], dict[str, str]]:
    """What the launcher would run for one worker: the command and what it adds to the environment."""
    protected = "MLFLOW_AUTH_CONFIG_PATH" in environment
    uri = environment["MLFLOW_BACKEND_STORE_URI"]
    added = {
        "_MLFLOW_SERVER_FILE_STORE": uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": environment["MLFLOW_ARTIFACTS_DESTINATION"],
        "prometheus_multiproc_dir": environment["MLFLOW_EXPOSE_PROMETHEUS"],
        "_MLFLOW_SERVER_BOOT_ID": uuid.uuid4().hex,
        "_MLFLOW_IN_JOB_EXECUTOR": "false",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_SERVER_SECRETS_CACHE_TTL": environment.get("MLFLOW_SERVER_SECRETS_CACHE_TTL", "60"),
        "MLFLOW_SERVER_SECRETS_CACHE_MAX_SIZE": environment.get(
            "MLFLOW_SERVER_SECRETS_CACHE_MAX_SIZE", "1000"
        ),
    }
    command = [
        *(sys.executable, "-m", "uvicorn"),
        *("--log-config", str(package / "server" / "uvicorn_log_config.yaml")),
        *("--host", environment["MLFLOW_HOST"], "--port", environment["MLFLOW_PORT"]),
        *("--workers", "1"),
        *(["--factory"] if protected else []),
        "mlflow.server.auth:create_app" if protected else "mlflow.server.fastapi_app:app",
    ]
    return command, added


def main() -> None:
    environment = dict(os.environ)
    spec = importlib.util.find_spec("mlflow")
    known = importlib.metadata.version("mlflow").startswith(COMPARED)
    if (
        spec is None
        or not spec.submodule_search_locations
        or not known
        or environment["MLFLOW_WORKERS"] != "1"
    ):
        command = launcher(environment)
    else:
        command, added = direct(environment, pathlib.Path(spec.submodule_search_locations[0]))
        environment |= added
    os.execvpe(command[0], command, environment)  # noqa: S606 - becoming the server is the point


if __name__ == "__main__":
    main()
