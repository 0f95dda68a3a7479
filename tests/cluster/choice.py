"""Which cluster is meant: the one that the user names, kind where it can run, else the local one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping

from tests.cluster.cluster import Cluster
from tests.cluster.context import ContextCluster
from tests.cluster.engine import running_engine
from tests.cluster.kind import KindCluster
from tests.cluster.local import LocalCluster
from tests.cluster.trouble import Trouble


def choose(
    environment: Mapping[str, str] = os.environ,
    has_kind: Callable[[], bool] = lambda: shutil.which("kind") is not None,
    find_engine: Callable[[], str | None] = running_engine,
) -> Cluster:
    """CONTEXT wins; SOLOIST_CLUSTER=local or kind decides; else kind serves where its program and an engine are."""
    wanted = environment.get("SOLOIST_CLUSTER", "")
    if wanted not in ("", "local", "kind"):
        raise Trouble(
            f"SOLOIST_CLUSTER is local or kind, not {wanted}; name a cluster of yours by CONTEXT=…."
        )
    if context := environment.get("CONTEXT"):
        return ContextCluster(context, environment.get("REGISTRY"))
    engine = find_engine() if wanted != "local" and has_kind() else None
    if wanted == "kind" and engine is None:
        raise Trouble("SOLOIST_CLUSTER=kind needs the program kind and a running docker or podman.")
    return KindCluster(engine) if engine else LocalCluster()
