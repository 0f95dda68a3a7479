"""The inner loop: an edit of the operator's code, running in the cluster."""

from __future__ import annotations

import time

from tests.cluster.cluster import Cluster
from tests.cluster.phases import phase, say
from tests.cluster.tools import find, run, succeeds
from tests.cluster.trouble import Trouble

NAMESPACE = "soloist-system"
DEPLOYMENT = "deployment/soloist-operator"
PODS = "app.kubernetes.io/component=operator"


def roll_operator(cluster: Cluster) -> None:
    """Build, push and roll out the operator of this checkout into an installation that exists."""
    started = time.monotonic()
    tool = find("kubectl", cluster.environment())
    kubectl = (tool, f"--kubeconfig={cluster.kubeconfig}", "--namespace", NAMESPACE)
    if not succeeds(*kubectl, "get", DEPLOYMENT):
        raise Trouble(
            f"There is no {DEPLOYMENT} in namespace {NAMESPACE}; install it first: make demo."
        )
    image = cluster.publish(["operator"])["operator"]
    with phase("rolling the operator out"):
        run(
            *kubectl,
            "set",
            "image",
            DEPLOYMENT,
            f"operator={image}",
            why="Setting the operator's image",
        )
        if not succeeds(*kubectl, "rollout", "status", DEPLOYMENT, "--timeout=60s", within=70):
            last = run(
                *kubectl,
                "logs",
                "--selector",
                PODS,
                "--prefix",
                "--tail=5",
                why="Reading the operator's log",
            )
            raise Trouble(
                f"The new operator doesn't become ready; the old one goes on. The last words of each:\n{last}"
            )
    say(f"The operator of this checkout runs after {time.monotonic() - started:.1f} s ({image}).")
