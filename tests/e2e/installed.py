"""The cluster, the images and the chart that the stories run on: the same as the demo's, made by the same functions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from tests.cluster.choice import choose


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the cluster."""

    kubectl: str
    environment: Mapping[str, str]


def ensure_platform(*, install: bool) -> Access:
    """Everything up; with `install`, of this checkout's sources."""
    cluster = choose()
    if install and not os.environ.get("SOLOIST_E2E_AS_IS"):
        raise NotImplementedError("the demo's install function")
    environment = cluster.environment()
    found = shutil.which("kubectl", path=environment["PATH"])
    assert found is not None, "kubectl is missing beside the cluster"
    return Access(found, environment)
