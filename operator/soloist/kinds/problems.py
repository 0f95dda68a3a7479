"""Sentences for what several kinds may lack."""

from __future__ import annotations

from soloist.api.conditions import Reason
from soloist.api.platform import Platform
from soloist.core.effects import Problem


def config_map_missing(name: str, namespace: str) -> Problem:
    """The code's ConfigMap is not there."""
    return Problem(
        Reason.CONFIG_MAP_MISSING,
        f"ConfigMap {name} with the code does not exist in namespace {namespace}. Create it"
        " (kubectl apply -k makes it from a folder), or correct spec.source.configMap.",
    )


def runtime_missing(name: str | None, platform: Platform) -> Problem:
    """The administrator set up no runtime of that name."""
    known = ", ".join(sorted(platform.runtimes))
    return Problem(
        Reason.INVALID_SPEC,
        f"Runtime {name} is not one of the platform's: {known}. Name one of them in spec.runtime,"
        " or ask the administrator to add it.",
    )
