"""Load on an endpoint, from a pod: the way clients in the cluster come, through the Service and kube-proxy."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.eventually import eventually
from tests.e2e.room import Room

SCRIPT = Path(__file__).with_name("load_client.py")
NAME = "load"
CONTROL_PORT = 8081
# What happened may be noticed a moment later.
AFTERWARDS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the requests."""

    sent: int
    failed: int
    failures: list[str]
    versions: dict[str, int]
    seen_seconds: dict[str, float]
    """From a version's first answer to its last."""
    longest_gap_seconds: float
    """Between two good answers, whoever gave them."""
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Load:
    """A load under way in a room."""

    room: Room

    def outcome_soon(self) -> Outcome:
        """Its result, when it has gone on for a few seconds more."""
        time.sleep(AFTERWARDS_SECONDS)
        door = f"{self.room.kubectl.url('pods', self.room.namespace, NAME)}:{CONTROL_PORT}/proxy/"
        with contextlib.suppress(httpx.HTTPError):  # it has just ended by itself
            httpx.get(door, timeout=10)
        return self.outcome(within=180)

    def outcome(self, *, within: float) -> Outcome:
        """Its result, once it has ended by itself."""
        _, said = self.room.until_pod_ended(NAME, within=within)
        told: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
        return Outcome(**{name: told[name] for name in Outcome.__dataclass_fields__})


def start_load(
    room: Room,
    endpoint: str,
    payload: dict[str, Any],
    *,
    image: str,
    until_version: str = "",
    at_most: float,
    per_second: int = 20,
    host: str = "",
    through: str = "",
) -> Load:
    """A load until the version has answered for 12 s, or it's asked to end, or for all of its time; returns when it is on its way.

    It asks the endpoint's Service, or another `host` `through` what leads to it.
    """
    env = {
        "LOAD_CONTROL_PORT": str(CONTROL_PORT),
        "LOAD_HOST": host or f"{endpoint}.{room.namespace}.svc.cluster.local",
        "LOAD_THROUGH": through,
        "LOAD_BODY": json.dumps(payload),
        "LOAD_UNTIL_VERSION": until_version,
        "LOAD_AT_MOST": str(at_most),
        "LOAD_PER_SECOND": str(per_second),
    }
    room.kubectl(
        "delete", "pod", NAME, "-n", room.namespace, "--ignore-not-found"
    )  # the last one's
    script = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}}
    room.apply(script | {"data": {"load_client.py": SCRIPT.read_text()}})
    room.apply(pod(NAME, image, ["python", "/load/load_client.py"], env, config_map=NAME))

    def runs() -> bool:
        return room.status("pods", NAME).get("phase") not in (None, "Pending")

    eventually(runs, within=30, what="the load's pod to run")
    return Load(room)


def pod(
    name: str, image: str, command: list[str], env: dict[str, str], *, config_map: str | None = None
) -> dict[str, Any]:
    """A small pod that the Pod Security Standard `restricted` lets in."""
    container: dict[str, Any] = {
        "name": name,
        "image": image,
        "command": command,
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    volumes: list[dict[str, Any]] = [{"name": "tmp", "emptyDir": {}}]
    if config_map is not None:
        container["volumeMounts"].append({"name": "files", "mountPath": f"/{config_map}"})
        volumes.append({"name": "files", "configMap": {"name": config_map}})
    who = {"runAsNonRoot": True, "runAsUser": 1000, "fsGroup": 1000}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "securityContext": {**who, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": volumes,
        },
    }
