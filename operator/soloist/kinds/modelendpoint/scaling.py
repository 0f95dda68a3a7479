"""How many pods the champion has where their number follows the load, and who decides it.

Kubernetes' autoscaler does, within the bounds of the spec. A second hand on the same number would fight it, so what it chose
is read from the live Deployment and asked for again: an unchanged look writes nothing. Leaving the number out of the manifest
instead would take it away with the first apply after the one that set it, and the API server would put 1 in its place.
"""

from __future__ import annotations

from typing import Any

from soloist.api.platform import Platform
from soloist.core.objects import Manifest
from soloist.kinds.modelendpoint import names
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.rollout.records import active

# Counted by the serving pods (`soloist_workloads.serving.metrics`).
IN_FLIGHT = "soloist_serving_in_flight_requests"
CPU_PERCENT = 80
# A burst is answered at once, a lull is not believed for a while: pods that went are missed for as long as one starts.
QUIET_SECONDS = 300
UP_EVERY_SECONDS, DOWN_EVERY_SECONDS = 15, 60


def capacity(endpoint: Endpoint, facts: EndpointFacts) -> int:
    """Pods that a version needs to answer everything: as many as the champion has now."""
    replicas, rollout = endpoint.spec.replicas, active(endpoint.status.release)
    if rollout is not None and rollout.stage == "Swapping" and rollout.pods:
        return rollout.pods
    champion = facts.deployments.get(endpoint.status.release.champion or "")
    if champion is None or not replicas.is_elastic:
        return replicas.least
    return min(max(asked_for(champion), replicas.least), replicas.most)


def asked_for(deployment: Manifest) -> int:
    """Pods that the live Deployment is told to have."""
    return int((deployment.get("spec") or {}).get("replicas", 1))


def autoscaler(
    endpoint: Endpoint, facts: EndpointFacts, platform: Platform
) -> dict[str, Any] | None:
    """Where the number follows the load and nobody else has to say it: not in an exchange, which counts pods itself."""
    champion, rollout = endpoint.status.release.champion, active(endpoint.status.release)
    is_exchange = rollout is not None and rollout.stage == "Swapping"
    if champion is None or is_exchange or not endpoint.spec.replicas.is_elastic:
        return None
    replicas = endpoint.spec.replicas
    # While a new version takes traffic over, the champion's share shrinks. Its pods must not: they are what is promoted.
    least = capacity(endpoint, facts) if rollout is not None else replicas.least
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": names.service(endpoint), "namespace": endpoint.namespace},
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": names.deployment(endpoint, champion),
            },
            "minReplicas": least,
            "maxReplicas": replicas.most,
            "metrics": [_metric(endpoint, platform)],
            "behavior": {"scaleUp": _up(), "scaleDown": _down()},
        },
    }


def _metric(endpoint: Endpoint, platform: Platform) -> dict[str, Any]:
    if platform.autoscaling.metric == "cpu":
        target: dict[str, Any] = {"type": "Utilization", "averageUtilization": CPU_PERCENT}
        return {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    target = {"type": "AverageValue", "averageValue": str(endpoint.spec.replicas.in_flight)}
    return {"type": "Pods", "pods": {"metric": {"name": IN_FLIGHT}, "target": target}}


def _up() -> dict[str, Any]:
    """Twice as many at each look, or four more."""
    return {
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Percent", "value": 100, "periodSeconds": UP_EVERY_SECONDS},
            {"type": "Pods", "value": 4, "periodSeconds": UP_EVERY_SECONDS},
        ],
    }


def _down() -> dict[str, Any]:
    """A quarter a minute, or one."""
    return {
        "stabilizationWindowSeconds": QUIET_SECONDS,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Percent", "value": 25, "periodSeconds": DOWN_EVERY_SECONDS},
            {"type": "Pods", "value": 1, "periodSeconds": DOWN_EVERY_SECONDS},
        ],
    }
