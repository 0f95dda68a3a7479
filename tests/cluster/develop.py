"""The inner loop: an edit of the operator's code, running in the cluster."""

from __future__ import annotations

import time

from tests.cluster.cluster import Cluster
from tests.cluster.phases import phase, say
from tests.cluster.tools import run, succeeds
from tests.cluster.trouble import Trouble

NAMESPACE = "soloist-system"
DEPLOYMENT = "deployment/soloist-operator"


def roll_operator(cluster: Cluster) -> None:
    """Build, push and roll out the operator of this checkout into an installation that exists."""
    started = time.monotonic()
    environment = cluster.environment()
    kubectl = (
        "env",
        f"PATH={environment['PATH']}",
        "kubectl",
        f"--kubeconfig={cluster.kubeconfig}",
        "-n",
        NAMESPACE,
    )
    if not succeeds(*kubectl, "get", DEPLOYMENT):
        raise Trouble(
            f"There is no {DEPLOYMENT} in namespace {NAMESPACE}; install it first: make demo."
        )
    reference = cluster.publish(["operator"])["operator"]
    with phase("rolling the operator out"):
        run(
            *kubectl,
            "set",
            "image",
            DEPLOYMENT,
            f"operator={reference}",
            why="Setting the operator's image",
        )
        run(
            *kubectl,
            "rollout",
            "status",
            DEPLOYMENT,
            "--timeout=120s",
            why="Waiting for the operator",
        )
    say(
        f"The operator of this checkout runs after {time.monotonic() - started:.1f} s ({reference})."
    )
