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
from soloist.kinds.pods import ingress_policy, resources, rolling_deployment

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
    runtime = platform.runtime(endpoint.spec.runtime)
    env = deployment.server_env(served, names.CONSTANT) | {podenv.CONSTANT: json.dumps(value)}
    size = {"resources": resources(CPU, MEMORY)}
    pod = deployment.server_pod(
        endpoint, platform,
        # Not the image pinned with the version: one from before there were constants would load the model.
        runtime.image if runtime is not None else served.image,
        # The champion's folder is on the volume already; it is fetched where the volume was made anew.
        fetch={**deployment.fetch(served, platform), **size},
        server={**deployment.listening(env), **size},
    )  # fmt: skip
    return rolling_deployment(
        names.baseline(endpoint),
        endpoint.namespace,
        labels=part,
        replicas=1,
        selector=names.baseline_selector(endpoint),
        template={"metadata": {"labels": {**names.labels(endpoint), **part}}, "spec": pod},
    )
