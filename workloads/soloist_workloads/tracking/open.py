"""Chooses between plain HTTP and the mlflow client, by what the tracking address is."""

from __future__ import annotations

from soloist_workloads.environment import TrackingSettings
from soloist_workloads.tracking.ports import ModelStore, RunStore
from soloist_workloads.tracking.rest import RestModels, RestRun, Server


def open_run_store(tracking: TrackingSettings | None) -> RunStore | None:
    """The run that the operator created; None when a command runs without tracking."""
    if tracking is None or tracking.run_id is None:
        return None
    if _is_http(tracking.uri):
        return RestRun(Server.at(tracking.uri), tracking.run_id)
    from soloist_workloads.tracking.client import ClientRun

    return ClientRun(tracking.uri, tracking.run_id)


def open_model_store(tracking: TrackingSettings) -> ModelStore:
    if _is_http(tracking.uri):
        return RestModels(Server.at(tracking.uri))
    from soloist_workloads.tracking.client import ClientModels

    return ClientModels(tracking.uri)


def _is_http(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))
