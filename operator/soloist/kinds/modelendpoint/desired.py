"""What a ModelEndpoint wants to exist: a Service in front of one Deployment per version."""

from __future__ import annotations

from typing import Any

from soloist.api.platform import Platform
from soloist.api.v1alpha1.modelendpoint import PinnedVersion
from soloist.core.kind import Desired
from soloist.core.objects import (
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    NETWORK_POLICY,
    SERVICE,
    VOLUME_CLAIM,
    KindRef,
)
from soloist.kinds.modelendpoint import deployment, names, policy
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.kinds.pods import adopted, ingress_policy
from soloist.kinds.volumes import volume_claim


def desire(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> Desired:
    """The Service points at the served version only; the next one is made ready beside it, the last one retires."""
    if endpoint.metadata.deleted is not None:
        return Desired()
    wanted: list[tuple[KindRef, dict[str, Any]]] = [
        (VOLUME_CLAIM, _claim(endpoint, facts, platform)),
        (SERVICE, _service(endpoint)),
        *((DEPLOYMENT, deployment.build(endpoint, one, platform)) for one in _versions(endpoint)),
    ]
    if platform.network_policies:
        wanted.append((NETWORK_POLICY, _network_policy(endpoint)))
    if endpoint.status.served is not None:
        wanted.append((DISRUPTION_BUDGET, _disruption_budget(endpoint, endpoint.status.served)))
    labels = names.labels(endpoint)
    children = tuple((kind, adopted(endpoint, labels, manifest)) for kind, manifest in wanted)
    return Desired(children, policy.promotion(endpoint, facts))


def _versions(endpoint: Endpoint) -> tuple[PinnedVersion, ...]:
    """The versions that have pods, each once (a quick return to the last version finds it still there)."""
    status = endpoint.status
    known = (status.served, status.target, status.retiring)
    return tuple({one.version: one for one in reversed(known) if one is not None}.values())[::-1]


def _claim(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> dict[str, Any]:
    size = platform.volumes.model_size
    return volume_claim(
        names.claim(endpoint), endpoint.namespace, None, facts.claim, platform, size
    )


def _service(endpoint: Endpoint) -> dict[str, Any]:
    chosen = endpoint.status.served or endpoint.status.target
    # Before there is a version no pod may match: "none" is no version number.
    version = chosen.version if chosen is not None else "none"
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": names.service(endpoint), "namespace": endpoint.namespace},
        "spec": {
            "selector": names.selector(endpoint, version),
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def _network_policy(endpoint: Endpoint) -> dict[str, Any]:
    """Anyone in the cluster may ask for predictions and read metrics, on the one port there is."""
    return ingress_policy(
        names.service(endpoint),
        endpoint.namespace,
        names.selector(endpoint),
        [{"ports": [{"port": deployment.PORT, "protocol": "TCP"}]}],
    )


def _disruption_budget(endpoint: Endpoint, served: PinnedVersion) -> dict[str, Any]:
    """A drained node takes one pod of the served version at a time."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": names.service(endpoint), "namespace": endpoint.namespace},
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": names.selector(endpoint, served.version)},
        },
    }
