"""The cluster, the images and the chart that the stories run on: the same as the demo's, made by the same functions."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.cluster.choice import choose
from tests.cluster.layout import CHECKOUT
from tests.cluster.phases import phase
from tests.cluster.tools import run

TARGETS = ("operator", "mlflow", "runtime", "flight-delays", "postgres")


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the cluster."""

    kubectl: str
    environment: Mapping[str, str]


def ensure_platform(*, install: bool) -> Access:
    """Everything up; with `install`, of this checkout's sources."""
    cluster = choose()
    if install and not os.environ.get("SOLOIST_E2E_AS_IS"):
        cluster.up()
        images = cluster.publish(TARGETS)
        with phase("installing the chart"):
            install_chart(images, cluster.environment())
    environment = cluster.environment()
    found = shutil.which("kubectl", path=environment["PATH"])
    assert found is not None, "kubectl is missing beside the cluster"
    return Access(found, environment)


def install_chart(images: Mapping[str, str], environment: Mapping[str, str]) -> None:
    helm = shutil.which("helm", path=environment["PATH"])
    assert helm is not None
    command = (helm, "upgrade", "--install", "soloist", CHECKOUT / "charts" / "soloist")
    where = (
        "--namespace",
        "soloist-system",
        "--create-namespace",
        "--take-ownership",
        "--wait",
        "--timeout=3m",
    )
    text = json.dumps(values(images))
    run(*command, *where, "--values=-", why="Installing", text=text, environment=environment)


def values(images: Mapping[str, str]) -> dict[str, Any]:
    def image(target: str) -> dict[str, str]:
        repository, _, tag = images[target].rpartition(":")
        return {"repository": repository, "tag": tag}

    # Two cores must also hold a Ray head and the pods of two versions. Not less: what asks for little CPU gets little
    # when a training takes all there is, and an operator that can't renew its Lease in time must stop.
    small = {"requests": {"cpu": "50m"}}
    return {
        "image": {"operator": image("operator")},
        "operator": {"resources": {"requests": {"cpu": "100m"}}},
        "mlflow": {"image": image("mlflow"), "resources": small},
        "postgresql": {"image": image("postgres"), "resources": small},
        "runtimes": {
            "default": {"image": images["runtime"], "rayVersion": "2.60.0"},
            "flight-delays": {"image": images["flight-delays"], "rayVersion": "2.60.0"},
        },
        "platform": {"registryPollSeconds": 2, "gitPollSeconds": 5},
    }
