"""The pods that stand between clients and the model: Envoy, on files that the operator writes."""

from __future__ import annotations

from typing import Any

from soloist.api.platform import Platform
from soloist.core.objects import digest
from soloist.gateway.drain import grace_seconds, pre_stop
from soloist.gateway.files import BOOTSTRAP, args, files
from soloist.gateway.plan import MOST_MEMORY_BYTES, GatewayPlan
from soloist.kinds.modelendpoint import access, names, waiting_room
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.kinds.pods import (
    container_security,
    placement,
    resources,
    rolling_deployment,
    scratch,
    spread,
)

CPU, MEMORY = "50m", f"{MOST_MEMORY_BYTES // 2**20}Mi"
# The kubelet looks at a pod's files about once a minute, and at once when an annotation of the pod changes.
TOUCHED = "soloist.dev/gateway-files"
BOOTSTRAP_DIGEST = "soloist.dev/gateway-bootstrap"


def config_map(endpoint: Endpoint, plan: GatewayPlan) -> dict[str, Any]:
    """The gateway's files. A change of them is taken up by the running pods."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": names.gateway(endpoint), "namespace": endpoint.namespace},
        "data": dict(files(plan)),
    }


def deployment(endpoint: Endpoint, plan: GatewayPlan, platform: Platform) -> dict[str, Any]:
    """New pods only for what Envoy reads once, at its start."""
    part = {names.PART_LABEL: names.GATEWAY}
    started_on = digest([files(plan)[BOOTSTRAP], args(plan)])
    return rolling_deployment(
        names.gateway(endpoint),
        endpoint.namespace,
        labels=part,
        replicas=endpoint.spec.gateway.replicas,
        selector=names.gateway_selector(endpoint),
        template={
            "metadata": {
                "labels": {**names.labels(endpoint), **part},
                "annotations": {BOOTSTRAP_DIGEST: started_on},
            },
            "spec": _pod(endpoint, plan, platform),
        },
    )


def _pod(endpoint: Endpoint, plan: GatewayPlan, platform: Platform) -> dict[str, Any]:
    tmp, tmp_mount = scratch("tmp", "/tmp")
    mounted = {"name": "files", "configMap": {"name": names.gateway(endpoint)}}
    ready = {"path": "/ready", "port": "stats"}
    before = [
        *access.init_containers(endpoint, platform),
        *waiting_room.containers(endpoint, plan, platform),
    ]
    return {
        **placement(platform, endpoint.spec.service_account),
        "terminationGracePeriodSeconds": grace_seconds(plan),
        "topologySpreadConstraints": [spread(names.gateway_selector(endpoint))],
        **({"initContainers": before} if before else {}),
        "containers": [
            {
                "name": "envoy",
                "image": platform.gateway_image,
                "imagePullPolicy": platform.image_pull_policy,
                "securityContext": container_security(),
                "command": ["envoy"],
                "args": list(args(plan)),
                "ports": [
                    {"name": "http", "containerPort": plan.place.port, "protocol": "TCP"},
                    {"name": "stats", "containerPort": plan.place.stats_port, "protocol": "TCP"},
                ],
                "startupProbe": {"httpGet": ready, "periodSeconds": 1, "failureThreshold": 60},
                "readinessProbe": {"httpGet": ready, "periodSeconds": 2, "failureThreshold": 2},
                "livenessProbe": {
                    "httpGet": ready,
                    "periodSeconds": 10,
                    "failureThreshold": 3,
                    "timeoutSeconds": 5,
                },
                "lifecycle": {"preStop": {"exec": {"command": list(pre_stop(plan))}}},
                "resources": resources(CPU, MEMORY),
                "volumeMounts": [
                    {"name": "files", "mountPath": plan.place.folder, "readOnly": True},
                    *access.mounts(endpoint),
                    tmp_mount,
                ],
            }
        ],
        "volumes": [mounted, *access.volumes(endpoint), tmp],
    }


def service(endpoint: Endpoint) -> dict[str, Any]:
    """What clients talk to."""
    name, number = names.port(endpoint)
    port = {"name": name, "port": number, "targetPort": "http", "protocol": "TCP"}
    if endpoint.spec.gateway.tls is not None:
        # To whoever stands before it: what is behind this port speaks TLS too.
        port["appProtocol"] = name
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": names.service(endpoint), "namespace": endpoint.namespace},
        "spec": {
            "selector": names.gateway_selector(endpoint),
            "ports": [port],
        },
    }
