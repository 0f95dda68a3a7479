"""The pods of a baseline that is no model: the serving runtime, the champion's signature, and one answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from soloist.api.fields import Scalar
from soloist.api.platform import Platform
from soloist.api.v1alpha1.modelendpoint import PinnedVersion
from soloist.core.objects import DEPLOYMENT, NETWORK_POLICY, SERVICE, KindRef
from soloist.gateway.plan import GatewayPlan
from soloist.kinds import podenv
from soloist.kinds.modelendpoint import deployment, isolation, lowest, names, traffic
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.kinds.pods import container_security, ingress_policy, placement, resources, scratch

# Measured: 120 MiB with nothing to do. The rest is for large bodies, which are checked like the champion's.
CPU, MEMORY = "50m", "256Mi"


def children(
    endpoint: Endpoint, facts: EndpointFacts, platform: Platform, plan: GatewayPlan | None
) -> Iterator[tuple[KindRef, dict[str, Any]]]:
    """One pod. Another champion has it replaced, not removed; when it is not wanted any more, it stays until no gateway
    can send it a request."""
    pinned, served = endpoint.status.baseline, endpoint.status.served
    is_asked = facts.baseline is not None and not traffic.is_live(plan, facts)
    if pinned is None or served is None or not (lowest.is_constant(endpoint) or is_asked):
        return
    yield SERVICE, _service(endpoint)
    yield DEPLOYMENT, _deployment(endpoint, served, pinned.value, platform)
    if platform.network_policies:
        rules = [isolation.server_rule(endpoint, platform)]
        name, pods = names.baseline(endpoint), names.baseline_selector(endpoint)
        yield NETWORK_POLICY, ingress_policy(name, endpoint.namespace, pods, rules)


def _service(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": names.baseline(endpoint), "namespace": endpoint.namespace},
        "spec": deployment.headless(names.baseline_selector(endpoint)),
    }


def _deployment(
    endpoint: Endpoint, served: PinnedVersion, value: Scalar, platform: Platform
) -> dict[str, Any]:
    part = {names.PART_LABEL: names.BASELINE}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": names.baseline(endpoint),
            "namespace": endpoint.namespace,
            "labels": part,
        },
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": names.baseline_selector(endpoint)},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            },
            "template": {
                "metadata": {"labels": {**names.labels(endpoint), **part}},
                "spec": _pod(endpoint, served, value, platform),
            },
        },
    }


def _pod(
    endpoint: Endpoint, served: PinnedVersion, value: Scalar, platform: Platform
) -> dict[str, Any]:
    """The champion's folder is on the volume already; it is fetched where the volume was made anew."""
    tmp, tmp_mount = scratch("tmp", "/tmp")
    models = {"name": "models", "mountPath": podenv.MODELS_PATH}
    claim = {"name": "models", "persistentVolumeClaim": {"claimName": names.claim(endpoint)}}
    runtime = platform.runtime(endpoint.spec.runtime)
    base = {
        # Not the image pinned with the version: one from before there were constants would load the model.
        "image": runtime.image if runtime is not None else served.image,
        "imagePullPolicy": platform.image_pull_policy,
        "securityContext": container_security(),
    }
    return {
        **placement(platform, endpoint.spec.service_account),
        "terminationGracePeriodSeconds": deployment.GRACE_SECONDS,
        "initContainers": [
            {
                "name": "fetch",
                **base,
                **deployment.fetch(served, platform),
                "resources": resources(CPU, MEMORY),
                "volumeMounts": [models, tmp_mount],
            }
        ],
        "containers": [
            {
                "name": names.SERVER_CONTAINER,
                **base,
                **deployment.listening(_env(served, value)),
                "resources": resources(CPU, MEMORY),
                "volumeMounts": [{**models, "readOnly": True}, tmp_mount],
            }
        ],
        "volumes": [claim, tmp],
    }


def _env(served: PinnedVersion, value: Scalar) -> dict[str, str]:
    return {
        "HOME": "/tmp",
        podenv.MODEL_DIR: names.model_dir(served),
        podenv.MODEL_NAME: served.name,
        podenv.MODEL_VERSION: names.CONSTANT,
        podenv.PORT: str(names.SERVER_PORT),
        podenv.DRAIN_SECONDS: str(deployment.DRAIN_SECONDS),
        podenv.CONSTANT: json.dumps(value),
    }
