"""Where requests wait for the champion's first pod: a container beside each gateway, and the address that it asks."""

from __future__ import annotations

import math
from typing import Any

from soloist.api.platform import Platform
from soloist.gateway.plan import GatewayPlan, WaitingRoom
from soloist.kinds import podenv
from soloist.kinds.modelendpoint import names, routing
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.kinds.pods import container_security, plain, resources

CPU, MEMORY = "20m", "96Mi"


def service(endpoint: Endpoint, version: str) -> dict[str, Any]:
    """One address that stays while versions and pods come and go, so that the gateway's pods stay too. Not headless: a name
    that had no address a moment ago is remembered as such by whoever resolves names."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": names.champion(endpoint), "namespace": endpoint.namespace},
        "spec": {
            "selector": names.selector(endpoint, version),
            "ports": [
                {
                    "name": "http",
                    "port": names.SERVER_PORT,
                    "targetPort": "http",
                    "protocol": "TCP",
                }
            ],
        },
    }


def containers(endpoint: Endpoint, plan: GatewayPlan, platform: Platform) -> list[dict[str, Any]]:
    """None where the pods never go. A sidecar in Kubernetes' own sense: up before Envoy, and stopped after it."""
    if plan.waiting is None:
        return []
    page = {"httpGet": {"path": names.HELD_PATH, "port": "held"}}
    return [
        {
            "name": "waiting-room",
            "image": _image(endpoint, plan, platform),
            "imagePullPolicy": platform.image_pull_policy,
            "securityContext": container_security(),
            "restartPolicy": "Always",
            "command": ["python", "-m", "soloist_workloads.waiting_room"],
            "env": plain(_env(endpoint, plan.waiting, platform)),
            "ports": [{"name": "held", "containerPort": names.HELD_PORT, "protocol": "TCP"}],
            "startupProbe": {**page, "periodSeconds": 1, "failureThreshold": 60},
            "livenessProbe": {
                **page,
                "periodSeconds": 10,
                "failureThreshold": 3,
                "timeoutSeconds": 5,
            },
            "resources": resources(CPU, MEMORY),
        }
    ]


def _image(endpoint: Endpoint, plan: GatewayPlan, platform: Platform) -> str | None:
    """The platform's newest, not the champion's: a promotion must not make the gateway's pods anew."""
    runtime = platform.runtime(endpoint.spec.runtime)
    if runtime is not None:
        return runtime.image
    champion = routing.pinned(endpoint, plan.champion.version)
    return champion.image if champion is not None else None


def _env(endpoint: Endpoint, room: WaitingRoom, platform: Platform) -> dict[str, str]:
    host = f"{names.champion(endpoint)}.{endpoint.namespace}.svc.{platform.cluster_domain}."
    return {
        "HOME": "/tmp",
        podenv.CHAMPION: f"{host}:{names.SERVER_PORT}",
        podenv.WAIT_SECONDS: str(math.ceil(room.seconds)),
        podenv.PORT: str(room.port),
        podenv.HELD_PORT: str(names.HELD_PORT),
    }
