"""`optimize`: what the pods need for it, and what became of it in the served version's pods."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from soloist.api.amounts import quantity_value
from soloist.api.v1alpha1.modelendpoint import ModelEndpointStatus, Optimized
from soloist.core.objects import Manifest
from soloist.kinds import podenv
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.kinds.pods import resources

FETCH_CPU, FETCH_MEMORY = "100m", "512Mi"


def fetch_env(endpoint: Endpoint) -> dict[str, str]:
    """The model is loaded to be converted, so its loader's gate stands here too."""
    if endpoint.spec.optimize is None:
        return {}
    allowed = {podenv.ALLOW_PICKLE: "1"} if endpoint.spec.allow_pickle else {}
    return {podenv.OPTIMIZE: endpoint.spec.optimize, **allowed}


def server_env(endpoint: Endpoint) -> dict[str, str]:
    return {podenv.OPTIMIZE: endpoint.spec.optimize} if endpoint.spec.optimize else {}


def fetch_resources(endpoint: Endpoint) -> dict[str, Any]:
    """Who converts a model needs what its server needs. A pod's init containers run before the others, not beside them:
    it asks for no more because of this."""
    spec = endpoint.spec
    if spec.optimize is None:
        return resources(FETCH_CPU, FETCH_MEMORY)
    cpu = max(spec.cpu, FETCH_CPU, key=quantity_value)
    return resources(cpu, max(spec.memory, FETCH_MEMORY, key=quantity_value))


def report(
    endpoint: Endpoint, versions: ModelEndpointStatus, facts: EndpointFacts
) -> Optimized | None:
    """What the served version's pods said when they began; one that could not speaks for all. Pods that are gone said it
    too, so what is known of a version stays."""
    served, before = versions.served, endpoint.status
    if served is None or endpoint.spec.optimize is None:
        return None
    told = [one for pod in facts.pods.get(served.version, ()) if (one := _told(pod)) is not None]
    if told:
        return min(told, key=lambda one: (one.taken, one.message))
    is_same = before.served is not None and before.served.version == served.version
    return before.optimized if is_same else None


def remark(optimized: Optimized | None) -> str:
    """Nothing to say where it does what was asked for."""
    if optimized is None or optimized.taken:
        return ""
    return f" Not optimized ({optimized.form}), the model itself answers: {optimized.message}"


def _told(pod: Manifest) -> Optimized | None:
    """The last words of its init container, which the kubelet keeps in the pod's status."""
    for container in (pod.get("status") or {}).get("initContainerStatuses") or ():
        ended = (container.get("state") or {}).get("terminated") or {}
        message = str(ended.get("message") or "")
        if ended.get("exitCode") == 0 and message.startswith(podenv.OPTIMIZED_MARK):
            return _parse(message.removeprefix(podenv.OPTIMIZED_MARK))
    return None


def _parse(text: str) -> Optimized | None:
    """An image of another release may say something else."""
    try:
        return Optimized.model_validate(json.loads(text))
    except (ValidationError, ValueError):
        return None
