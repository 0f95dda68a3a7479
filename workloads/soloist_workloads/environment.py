"""Every variable the operator hands to a pod, named once and parsed once.

The operator spells the same names in its own `podenv.py`; a unit test compares the two, because neither side
may import the other. Modules below receive the dataclasses and never read `os.environ` themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

SOLOIST_STEP = "SOLOIST_STEP"
SOLOIST_ATTEMPT = "SOLOIST_ATTEMPT"
SOLOIST_COMMAND = "SOLOIST_COMMAND"
SOLOIST_CODE_DIR = "SOLOIST_CODE_DIR"
SOLOIST_RUN = "SOLOIST_RUN"
SOLOIST_STORAGE = "SOLOIST_STORAGE"
SOLOIST_RUN_STORAGE = "SOLOIST_RUN_STORAGE"
SOLOIST_PARAMS = "SOLOIST_PARAMS"
SOLOIST_KEEP_RUNS = "SOLOIST_KEEP_RUNS"
SOLOIST_KEEP_SINCE = "SOLOIST_KEEP_SINCE"
SOLOIST_GIT_URL = "SOLOIST_GIT_URL"
SOLOIST_GIT_COMMIT = "SOLOIST_GIT_COMMIT"
SOLOIST_GIT_USERNAME = "SOLOIST_GIT_USERNAME"
SOLOIST_GIT_PASSWORD = "SOLOIST_GIT_PASSWORD"
SOLOIST_MODEL_URI = "SOLOIST_MODEL_URI"
SOLOIST_MODEL_DIR = "SOLOIST_MODEL_DIR"
SOLOIST_MODEL_NAME = "SOLOIST_MODEL_NAME"
SOLOIST_MODEL_VERSION = "SOLOIST_MODEL_VERSION"
SOLOIST_PORT = "SOLOIST_PORT"
SOLOIST_DRAIN_SECONDS = "SOLOIST_DRAIN_SECONDS"
SOLOIST_ALLOW_PICKLE = "SOLOIST_ALLOW_PICKLE"
SOLOIST_CONSTANT = "SOLOIST_CONSTANT"
SOLOIST_PEERS = "SOLOIST_PEERS"
SOLOIST_CHAMPION = "SOLOIST_CHAMPION"
SOLOIST_WAIT_SECONDS = "SOLOIST_WAIT_SECONDS"
SOLOIST_HELD_PORT = "SOLOIST_HELD_PORT"
SOLOIST_OPTIMIZE = "SOLOIST_OPTIMIZE"
SOLOIST_GATEWAY = "SOLOIST_GATEWAY"
SOLOIST_KEEP_REQUESTS = "SOLOIST_KEEP_REQUESTS"
MLFLOW_TRACKING_URI = "MLFLOW_TRACKING_URI"
MLFLOW_RUN_ID = "MLFLOW_RUN_ID"
MLFLOW_EXPERIMENT_ID = "MLFLOW_EXPERIMENT_ID"

Environment = Mapping[str, str]
Scalar = str | int | float | bool


class SettingsError(Exception):
    """A variable is missing or unreadable; the message names it."""


@dataclass(frozen=True, slots=True)
class TrackingSettings:
    """Where MLflow is; `run_id` is the run that the operator created beforehand."""

    uri: str
    run_id: str | None


@dataclass(frozen=True, slots=True)
class StepSettings:
    """One attempt of one step."""

    step: str
    attempt: int
    command: str
    code_dir: Path | None
    run_storage: str | None
    params: tuple[tuple[str, Scalar], ...]
    tracking: TrackingSettings | None


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """The commit to put into the code directory."""

    url: str
    commit: str
    code_dir: Path
    has_credentials: bool


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Whose run folders stay; the others on the volume are removed."""

    storage: str
    keep: frozenset[str]
    since: float
    """Seconds since 1970: a folder that was used after this belongs to a Run that `keep` can't know, and stays."""


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """The model to bring onto the endpoint's volume."""

    model_uri: str
    model_dir: Path
    tracking: TrackingSettings
    optimize: str = ""
    """The form that the model shall be converted to, if it answers the same in it; it is loaded for that."""
    allow_pickle: bool = False


@dataclass(frozen=True, slots=True)
class ServingSettings:
    """One served model version."""

    model_dir: Path
    name: str
    version: str
    port: int
    drain_seconds: float
    allow_pickle: bool
    """Whether a model may run code when it is loaded; somebody who may write the endpoint has to say so."""
    peers: str = ""
    """Where the endpoint's other versions answer, a star for the version; nobody where it is empty."""
    constant: str = ""
    """JSON of the answer to every row, instead of the model's."""
    optimize: str = ""
    """The form to answer from, where the model was converted to it and the verdict allows."""
    gateway: str = ""
    """Where the endpoint's clients ask: kept requests are asked there again."""
    keep_requests: int = 0
    """How many of the newest requests stay in memory for that."""


def parse_step(env: Environment) -> StepSettings:
    code_dir = env.get(SOLOIST_CODE_DIR)
    return StepSettings(
        step=required(env, SOLOIST_STEP),
        attempt=integer(env, SOLOIST_ATTEMPT, default=1),
        command=required(env, SOLOIST_COMMAND),
        code_dir=Path(code_dir) if code_dir else None,
        run_storage=env.get(SOLOIST_RUN_STORAGE) or None,
        params=_params(env),
        tracking=_tracking(env),
    )


def parse_source(env: Environment) -> SourceSettings:
    return SourceSettings(
        url=required(env, SOLOIST_GIT_URL),
        commit=required(env, SOLOIST_GIT_COMMIT),
        code_dir=Path(env.get(SOLOIST_CODE_DIR) or "/soloist/code"),
        has_credentials=bool(env.get(SOLOIST_GIT_PASSWORD)),
    )


def parse_storage(env: Environment) -> StorageSettings:
    return StorageSettings(
        storage=required(env, SOLOIST_STORAGE),
        keep=frozenset(env.get(SOLOIST_KEEP_RUNS, "").split()),
        since=datetime.fromisoformat(required(env, SOLOIST_KEEP_SINCE)).timestamp(),
    )


def parse_fetch(env: Environment) -> FetchSettings:
    return FetchSettings(
        model_uri=required(env, SOLOIST_MODEL_URI),
        model_dir=Path(required(env, SOLOIST_MODEL_DIR)),
        tracking=TrackingSettings(uri=required(env, MLFLOW_TRACKING_URI), run_id=None),
        optimize=_optimize(env),
        allow_pickle=_switch(env, SOLOIST_ALLOW_PICKLE),
    )


def parse_serving(env: Environment) -> ServingSettings:
    return ServingSettings(
        model_dir=Path(required(env, SOLOIST_MODEL_DIR)),
        name=required(env, SOLOIST_MODEL_NAME),
        version=required(env, SOLOIST_MODEL_VERSION),
        port=integer(env, SOLOIST_PORT, default=8080),
        drain_seconds=float(integer(env, SOLOIST_DRAIN_SECONDS, default=5)),
        allow_pickle=_switch(env, SOLOIST_ALLOW_PICKLE),
        peers=env.get(SOLOIST_PEERS) or "",
        constant=env.get(SOLOIST_CONSTANT) or "",
        optimize=_optimize(env),
        gateway=env.get(SOLOIST_GATEWAY) or "",
        keep_requests=integer(env, SOLOIST_KEEP_REQUESTS, default=0),
    )


def required(env: Environment, name: str) -> str:
    value = env.get(name)
    if not value:
        raise SettingsError(f"{name} is not set; the operator sets it on every such pod.")
    return value


def integer(env: Environment, name: str, *, default: int) -> int:
    text = env.get(name) or str(default)
    try:
        return int(text)
    except ValueError:
        raise SettingsError(f"{name} must be a whole number, got {text!r}.") from None


def _switch(env: Environment, name: str) -> bool:
    """Off unless it says 1: a misspelled "yes" must not open what it guards."""
    text = env.get(name) or "0"
    if text not in ("0", "1"):
        raise SettingsError(f"{name} must be 0 or 1, got {text!r}.")
    return text == "1"


def _optimize(env: Environment) -> str:
    text = env.get(SOLOIST_OPTIMIZE) or ""
    if text not in ("", "onnx"):
        raise SettingsError(f"{SOLOIST_OPTIMIZE} must be onnx or nothing, got {text!r}.")
    return text


def _params(env: Environment) -> tuple[tuple[str, Scalar], ...]:
    text = env.get(SOLOIST_PARAMS) or "{}"
    try:
        params = json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(f"{SOLOIST_PARAMS} is not JSON: {error}.") from None
    if not isinstance(params, dict):
        raise SettingsError(f"{SOLOIST_PARAMS} must be a JSON object, got {text[:60]!r}.")
    return tuple(params.items())


def _tracking(env: Environment) -> TrackingSettings | None:
    uri = env.get(MLFLOW_TRACKING_URI)
    return TrackingSettings(uri=uri, run_id=env.get(MLFLOW_RUN_ID) or None) if uri else None
