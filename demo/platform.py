"""The platform, installed with Helm from this checkout: what an administrator does once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from tests.cluster import files
from tests.cluster.layout import CHECKOUT, cache
from tests.cluster.phases import phase
from tests.cluster.tools import find, run

RELEASE, NAMESPACE = "soloist", "soloist-system"
TARGETS = ("operator", "mlflow", "runtime", "flight-delays", "gateway", "postgres")
RAY = "2.60.0"
PENDING = "pending-install,pending-upgrade,pending-rollback"


def install(images: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Install or upgrade, and wait until all of it is ready. Takes seconds when nothing changed."""
    search = {**os.environ, **environment}
    helm, kubectl = find("helm", search), find("kubectl", search)
    chart = ("upgrade", "--install", RELEASE, CHECKOUT / "charts" / "soloist", "--take-ownership")
    where = ("--namespace", NAMESPACE, "--create-namespace", "--wait", "--timeout=5m")
    with files.lock(cache() / "install.lock"), phase("installing Soloist with Helm"):
        # Helm that was killed leaves a revision that bars every later one. We hold the lock: nobody is at work on it.
        stale = ("delete", "secret", "-l", f"owner=helm,name={RELEASE},status in ({PENDING})")
        why = "Clearing what a killed Helm left behind"
        run(kubectl, "-n", NAMESPACE, *stale, why=why, environment=search)
        text = json.dumps(values(images))
        run(
            helm,
            *chart,
            *where,
            "--values=-",
            why="Installing Soloist",
            text=text,
            environment=search,
        )


def values(images: Mapping[str, str]) -> dict[str, Any]:
    """What differs from the chart's defaults: our images, and room for a Ray head and two versions on two cores."""

    def image(target: str) -> dict[str, str]:
        repository, _, tag = images[target].rpartition(":")
        return {"repository": repository, "tag": tag}

    # Less CPU asked for than a real installation should. Not too little: what asks for little gets little while a
    # training takes all there is, and an operator that can't renew its Lease in time must stop.
    little = {"requests": {"cpu": "50m"}}
    return {
        "image": {"operator": image("operator")},
        "operator": {"resources": {"requests": {"cpu": "100m"}}},
        "mlflow": {"image": image("mlflow"), "resources": little},
        "postgresql": {"image": image("postgres"), "resources": little},
        "runtimes": {
            "default": {"image": images["runtime"], "rayVersion": RAY},
            "flight-delays": {"image": images["flight-delays"], "rayVersion": RAY},
        },
        # A person is watching: look often.
        "platform": {
            "gatewayImage": images["gateway"],
            "registryPollSeconds": 2,
            "gitPollSeconds": 5,
        },
    }
