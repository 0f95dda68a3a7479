"""The cluster, the images and the chart that the stories run on: the same as the demo's, made by the same functions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from demo.platform import TARGETS
from demo.platform import install as install_platform
from tests.cluster.choice import choose
from tests.cluster.tools import find


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the cluster."""

    kubectl: str
    environment: Mapping[str, str]


def ensure_platform(*, install: bool) -> Access:
    """Everything up and, with `install`, of this checkout's sources; SOLOIST_E2E_AS_IS=1 takes what is there."""
    cluster = choose()
    if install and not os.environ.get("SOLOIST_E2E_AS_IS"):
        cluster.up()
        install_platform(cluster.publish(TARGETS), cluster.environment())
    environment = cluster.environment()
    return Access(str(find("kubectl", {**os.environ, **environment})), environment)
