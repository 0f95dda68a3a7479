"""The environment that pods get from us. `soloist_workloads.environment` spells the same names; a test compares them."""

from __future__ import annotations

from typing import Final

CODE_DIR: Final = "SOLOIST_CODE_DIR"
GIT_URL: Final = "SOLOIST_GIT_URL"
GIT_COMMIT: Final = "SOLOIST_GIT_COMMIT"
GIT_USERNAME: Final = "SOLOIST_GIT_USERNAME"
GIT_PASSWORD: Final = "SOLOIST_GIT_PASSWORD"
STORAGE: Final = "SOLOIST_STORAGE"
RUN_STORAGE: Final = "SOLOIST_RUN_STORAGE"
KEEP_RUNS: Final = "SOLOIST_KEEP_RUNS"
RUN: Final = "SOLOIST_RUN"
STEP: Final = "SOLOIST_STEP"
ATTEMPT: Final = "SOLOIST_ATTEMPT"
COMMAND: Final = "SOLOIST_COMMAND"
PARAMS: Final = "SOLOIST_PARAMS"
MLFLOW_URI: Final = "MLFLOW_TRACKING_URI"
MLFLOW_RUN: Final = "MLFLOW_RUN_ID"
MLFLOW_EXPERIMENT: Final = "MLFLOW_EXPERIMENT_ID"
MODEL_URI: Final = "SOLOIST_MODEL_URI"
MODEL_DIR: Final = "SOLOIST_MODEL_DIR"
MODEL_NAME: Final = "SOLOIST_MODEL_NAME"
MODEL_VERSION: Final = "SOLOIST_MODEL_VERSION"
PORT: Final = "SOLOIST_PORT"
DRAIN_SECONDS: Final = "SOLOIST_DRAIN_SECONDS"

OUTCOME_MARK: Final = "soloist-outcome: "
CODE_PATH: Final = "/soloist/code"
DATA_PATH: Final = "/data"
MODELS_PATH: Final = "/models"
STEP_PREFIX: Final = "{step} | "
