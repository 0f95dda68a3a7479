"""What a ModelEndpoint wants to exist: a gateway, and behind it one Deployment per version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from soloist.api.conditions import parse_time, rfc3339
from soloist.api.platform import Platform
from soloist.core.effects import TouchPod
from soloist.core.kind import Desired
from soloist.core.objects import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    NETWORK_POLICY,
    PIPELINE,
    SERVICE,
    VOLUME_CLAIM,
    KindRef,
    digest,
)
from soloist.gateway.files import files
from soloist.gateway.plan import GatewayPlan
from soloist.kinds.modelendpoint import (
    batch,
    constant,
    deployment,
    exposure,
    gateway,
    isolation,
    names,
    policy,
    replay,
    routing,
    scaling,
    sleep,
    traffic,
    waiting_room,
)
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.kinds.pods import adopted, disruption_budget
from soloist.kinds.volumes import volume_claim

# The kubelet may have looked just before it knew of the new files; it is asked again until the gateway follows them.
TOUCH_AGAIN_SECONDS = 3

Child = tuple[KindRef, dict[str, Any]]


def desire(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> Desired:
    """The gateway's files say who is asked; a version's pods are there before, and stay until no gateway knows them."""
    if endpoint.metadata.deleted is not None:
        return Desired()
    plan = routing.plan(endpoint, platform)
    wanted = (
        (VOLUME_CLAIM, _claim(endpoint, facts, platform)),
        (SERVICE, gateway.service(endpoint)),
        *_versions(endpoint, facts, platform),
        *constant.children(endpoint, facts, platform, plan),
        *_autoscaler(endpoint, facts, platform),
        *(_gateway(endpoint, plan, platform) if plan is not None else ()),
        *(_network_policies(endpoint, platform) if platform.network_policies else ()),
        *_budgets(endpoint),
        *exposure.children(endpoint, facts),
        *_batch(endpoint, platform),
    )
    labels = names.labels(endpoint)
    children = tuple((kind, adopted(endpoint, labels, manifest)) for kind, manifest in wanted)
    effects = (
        *(_touches(plan, facts) if plan is not None else ()),
        *policy.promotion(endpoint, facts, platform),
        *replay.asks(endpoint, facts, platform),
    )
    return Desired(children, effects)


def _versions(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> Iterator[Child]:
    for version, replicas in policy.wanted_pods(endpoint, facts, platform).items():
        pinned = routing.pinned(endpoint, version)
        assert pinned is not None
        yield SERVICE, deployment.service(endpoint, version)
        yield DEPLOYMENT, deployment.build(endpoint, pinned, replicas, platform)


def _autoscaler(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> Iterator[Child]:
    manifest = scaling.autoscaler(endpoint, facts, platform)
    if manifest is not None and not sleep.is_asleep(endpoint):
        yield AUTOSCALER, manifest


def _gateway(endpoint: Endpoint, plan: GatewayPlan, platform: Platform) -> Iterator[Child]:
    if plan.waiting is not None:
        yield SERVICE, waiting_room.service(endpoint, plan.champion.version)
    yield CONFIG_MAP, gateway.config_map(endpoint, plan)
    yield DEPLOYMENT, gateway.deployment(endpoint, plan, platform)
    budget = disruption_budget(
        names.gateway(endpoint), endpoint.namespace, names.gateway_selector(endpoint)
    )
    yield DISRUPTION_BUDGET, budget


def _touches(plan: GatewayPlan, facts: EndpointFacts) -> Iterator[TouchPod]:
    """For each pod of the gateway that may not know of its new files yet."""
    mark = digest(dict(files(plan)))
    is_behind = traffic.is_behind(plan, facts)
    for pod in facts.gateway_pods:
        meta = pod["metadata"]
        if "deletionTimestamp" in meta or not (pod.get("status") or {}).get("podIP"):
            continue
        said = (meta.get("annotations") or {}).get(gateway.TOUCHED, "")
        if is_behind and _is_due(said, mark, facts):
            value = f"{mark}@{rfc3339(facts.now)}"
            yield TouchPod(meta["namespace"], meta["name"], meta["uid"], gateway.TOUCHED, value)


def _is_due(said: str, mark: str, facts: EndpointFacts) -> bool:
    before, _, when = said.partition("@")
    if before != mark or not when:
        return True
    return (facts.now - parse_time(when)).total_seconds() >= TOUCH_AGAIN_SECONDS


def _claim(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> dict[str, Any]:
    size = platform.volumes.model_size
    return volume_claim(
        names.claim(endpoint), endpoint.namespace, None, facts.claim, platform, size
    )


def _network_policies(endpoint: Endpoint, platform: Platform) -> Iterator[Child]:
    for manifest in isolation.network_policies(endpoint, platform):
        yield NETWORK_POLICY, manifest


def _budgets(endpoint: Endpoint) -> Iterator[Child]:
    served = endpoint.status.served
    if served is not None:
        pods = names.selector(endpoint, served.version)
        budget = disruption_budget(names.service(endpoint), endpoint.namespace, pods)
        yield DISRUPTION_BUDGET, budget


def _batch(endpoint: Endpoint, platform: Platform) -> Iterator[Child]:
    scoring = batch.pipeline(endpoint, platform)
    if scoring is not None:
        yield PIPELINE, scoring
