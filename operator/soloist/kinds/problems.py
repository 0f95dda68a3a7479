"""Sentences for what several kinds may lack."""

from __future__ import annotations

from soloist.api.conditions import Reason
from soloist.core.effects import Problem


def config_map_missing(name: str, namespace: str) -> Problem:
    """The code's ConfigMap is not there."""
    return Problem(
        Reason.CONFIG_MAP_MISSING,
        f"ConfigMap {name} with the code does not exist in namespace {namespace}. Create it"
        " (kubectl apply -k makes it from a folder), or correct spec.source.configMap.",
    )
