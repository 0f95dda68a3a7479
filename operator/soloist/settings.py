"""What the process is told by its environment and its configuration file, read once at the start."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from soloist.api.platform import Platform


class BadSettings(Exception):
    """The one sentence that says what is wrong with the environment or the configuration file."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs from one installation to the next."""

    platform: Platform
    namespace: str
    identity: str
    workers: int
    port: int
    log_level: str
    lease: str
    mlflow_credentials: tuple[str, str] | None


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises BadSettings."""
    path = Path(environment.get("SOLOIST_CONFIG", "/etc/soloist/config.yaml"))
    platform = _platform(path)
    return Settings(
        platform=platform,
        namespace=environment.get("POD_NAMESPACE", platform.operator_namespace),
        # A container that begins anew in the same pod is the same candidate: it takes its own lease at once.
        identity=environment.get("POD_NAME", f"{socket.gethostname()}-{os.getpid()}"),
        workers=_number(environment, "SOLOIST_WORKERS", 16),
        port=_number(environment, "SOLOIST_PORT", 8080),
        log_level=environment.get("SOLOIST_LOG_LEVEL", "INFO").upper(),
        lease=environment.get("SOLOIST_LEASE", "soloist-operator"),
        mlflow_credentials=_credentials(platform, environment),
    )


def _platform(path: Path) -> Platform:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadSettings(
            f"The configuration file {path} can't be read ({error.strerror}). Set SOLOIST_CONFIG to a file that exists."
        ) from None
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        what = getattr(error, "problem", None) or "it does not parse"
        raise BadSettings(f"The configuration file {path} is no YAML{where}: {what}.") from None
    if not isinstance(content, dict):
        raise BadSettings(f"The configuration file {path} is not a mapping of settings.")
    try:
        return Platform.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file as a whole"
        message = first["msg"].removeprefix("Value error, ")
        raise BadSettings(
            f"The configuration file {path} is wrong at {field}: {message}."
        ) from None


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise BadSettings(f"{name} is {text!r}, but must be a whole number above zero.")
    return int(text)


def _credentials(platform: Platform, environment: Mapping[str, str]) -> tuple[str, str] | None:
    user, password = platform.mlflow.username_env, platform.mlflow.password_env
    if user is None and password is None:
        return None
    values = []
    for name in (user, password):
        if not name or name not in environment:
            raise BadSettings(
                f"The configuration names the environment variable {name or '(none)'} for MLflow's credentials, but it "
                "is not set. Set mlflow.usernameEnv and mlflow.passwordEnv to variables of the operator's container."
            )
        values.append(environment[name])
    return values[0], values[1]
