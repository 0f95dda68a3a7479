"""Who may reach an endpoint's pods, by the cluster's network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from soloist.api.platform import Platform
from soloist.gateway.plan import Place
from soloist.kinds.modelendpoint import access, names
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.kinds.pods import ingress_policy

_NAMESPACE = "kubernetes.io/metadata.name"


def network_policies(endpoint: Endpoint, platform: Platform) -> Iterator[dict[str, Any]]:
    """Anyone in the cluster may ask the gateway for predictions and read metrics, on the ports there are. The same of the
    pods behind it, unless the gateway asks who is there: then there must be no way around it."""
    place = Place()
    told = (names.HELD_PORT,) if endpoint.spec.replicas.min == 0 else ()
    of_gateway = [
        {"port": port, "protocol": "TCP"} for port in (place.port, place.stats_port, *told)
    ]
    of_server = server_rule(endpoint, platform)
    for name, selector, rule in (
        (names.service(endpoint), names.selector(endpoint), of_server),
        (names.gateway(endpoint), names.gateway_selector(endpoint), {"ports": of_gateway}),
    ):
        yield ingress_policy(name, endpoint.namespace, selector, [rule])


def server_rule(endpoint: Endpoint, platform: Platform) -> dict[str, Any]:
    """Who may reach a pod behind the gateway, whatever it serves."""
    rule: dict[str, Any] = {"ports": [{"port": names.SERVER_PORT, "protocol": "TCP"}]}
    return {**rule, "from": _known(endpoint, platform)} if access.is_guarded(endpoint) else rule


def _known(endpoint: Endpoint, platform: Platform) -> list[dict[str, Any]]:
    """The gateway; the pods themselves, which compare their answers in a shadow; and who reads their counts. A policy
    can't tell `/metrics` from a prediction, so Prometheus' whole namespace is trusted."""
    pods = (names.gateway_selector(endpoint), names.selector(endpoint))
    readers = dict.fromkeys((platform.operator_namespace, platform.monitoring_namespace))
    return [
        *({"podSelector": {"matchLabels": labels}} for labels in pods),
        *({"namespaceSelector": {"matchLabels": {_NAMESPACE: one}}} for one in readers if one),
    ]
