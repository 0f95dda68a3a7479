"""What the operator hands to a batch: the step's parameters, and where its storage is."""

from __future__ import annotations

import json
from dataclasses import dataclass

from soloist_workloads.environment import (
    MLFLOW_RUN_ID,
    MLFLOW_TRACKING_URI,
    SOLOIST_PARAMS,
    SOLOIST_STORAGE,
    Environment,
    SettingsError,
    TrackingSettings,
)


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """One scoring of one set by one version."""

    endpoint: str
    """Namespace and name: whose results they are."""
    model: str
    version: str
    artifact: str
    image: str
    allow_pickle: bool
    storage: str
    input: str
    output: str
    tracking: TrackingSettings | None


def parse_batch(env: Environment) -> BatchSettings:
    try:
        params = json.loads(env.get(SOLOIST_PARAMS) or "{}")
        text = {
            name: str(params[name])
            for name in ("endpoint", "model", "version", "artifact", "image", "input", "output")
        }
    except (ValueError, TypeError, KeyError) as error:
        raise SettingsError(
            f"{SOLOIST_PARAMS} is not what the operator writes for a batch: {type(error).__name__}: {error}. Batches"
            " are made by a ModelEndpoint with spec.batch."
        ) from None
    storage = env.get(SOLOIST_STORAGE)
    if not storage:
        raise SettingsError(f"{SOLOIST_STORAGE} is not set; the operator sets it for every step.")
    uri = env.get(MLFLOW_TRACKING_URI)
    run = env.get(MLFLOW_RUN_ID) or None
    return BatchSettings(
        **text,
        allow_pickle=bool(params.get("allow_pickle", False)),
        storage=storage.rstrip("/"),
        tracking=TrackingSettings(uri=uri, run_id=run) if uri else None,
    )
