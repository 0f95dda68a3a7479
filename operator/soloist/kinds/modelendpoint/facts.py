"""What a ModelEndpoint has to know: the registry, the pods of each version, and what the gateways say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from soloist.api.platform import Platform
from soloist.core.effects import (
    FindModel,
    ListObjects,
    Problem,
    Read,
    ReadPages,
    Recall,
    RegisteredModel,
)
from soloist.core.metric import LoggedMetric
from soloist.core.objects import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    HTTP_ROUTE,
    INGRESS,
    NETWORK_POLICY,
    PIPELINE,
    POD,
    RESOURCE_QUOTA,
    SERVICE,
    VOLUME_CLAIM,
    KindRef,
    Manifest,
)
from soloist.core.seen import Seen
from soloist.gateway.plan import Place
from soloist.gateway.readings import READINGS_PATH, Reading, parse_reading
from soloist.kinds.modelendpoint import batch, lowest, names, queries
from soloist.kinds.modelendpoint.access import Given, given
from soloist.kinds.modelendpoint.batch import BatchView
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.kinds.modelendpoint.room import room
from soloist.kinds.modelendpoint.servers import COUNTS_PATH, ServerCounts, parse_counts
from soloist.rollout.records import active
from soloist.rollout.world import PROMOTE, RETRY

CHILDREN = (
    VOLUME_CLAIM, NETWORK_POLICY, SERVICE, CONFIG_MAP, DEPLOYMENT, AUTOSCALER, DISRUPTION_BUDGET, PIPELINE,
    INGRESS, HTTP_ROUTE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """The world as one reconcile of a ModelEndpoint sees it."""

    now: datetime
    model: RegisteredModel | None
    registry_problem: Problem | None
    deployments: Mapping[str, Manifest]
    """By version."""
    pods: Mapping[str, tuple[Manifest, ...]]
    """By version."""
    claim: Manifest | None
    gateway: Manifest | None = None
    """The gateway's Deployment."""
    gateway_pods: tuple[Manifest, ...] = ()
    readings: Mapping[str, Reading] = field(default_factory=dict)
    """By gateway pod; one that did not answer is left out."""
    counts: Mapping[str, ServerCounts] = field(default_factory=dict)
    """By serving pod, while a rollout needs them; one that did not answer is left out."""
    baseline: Manifest | None = None
    """The Deployment of a baseline that is no model."""
    baseline_pods: tuple[Manifest, ...] = ()
    metric: LoggedMetric | None = None
    """What the champion's run logged for the baseline, while status doesn't say it."""
    absent: tuple[Given, ...] = ()
    """What the gateway's pods mount and isn't there."""
    ingress: Manifest | None = None
    route: Manifest | None = None
    """The HTTPRoute."""
    route_problem: Problem | None = None
    """Why there can be none."""
    held: int = 0
    """Requests that wait in the gateways for a first pod, or did a moment ago."""
    room: int | None = None
    """Pods of one version that the namespace's quotas still allow; None where there is no quota."""
    queries: Mapping[str, float | None] = field(default_factory=dict)
    """What Prometheus said, by gate."""
    batch: BatchView | None = None
    """The Pipeline that scores a set, where there is one."""
    memory: object = None
    """What was counted before (`kinds.modelendpoint.traffic`)."""


def needs(endpoint: Endpoint, platform: Platform) -> tuple[Read, ...]:
    """Its children, their pods, the registered model, and the gateways' counters."""
    return (
        *(_children(endpoint, number) for number in range(len(CHILDREN))),
        _pods(endpoint),
        _model(endpoint),
        *filter(None, (lowest.question(endpoint),)),
        _pages(endpoint),
        *_server_pages(endpoint),
        *_waiting_pages(endpoint),
        _quotas(endpoint),
        *(one.read(endpoint) for one in given(endpoint)),
        *(read for _, read in queries.reads(endpoint, platform)),
        *batch.runs(endpoint),
        Recall(endpoint.metadata.uid),
    )


def _children(endpoint: Endpoint, number: int) -> ListObjects:
    return ListObjects(CHILDREN[number], endpoint.namespace, names.by_owner(endpoint))


def _pods(endpoint: Endpoint) -> ListObjects:
    return ListObjects(POD, endpoint.namespace, names.by_owner(endpoint))


def _model(endpoint: Endpoint) -> FindModel:
    """With the versions that a person asked for by an annotation or as a baseline: no alias may point to them."""
    said = endpoint.metadata.annotations
    asked = (said.get(PROMOTE), said.get(RETRY), lowest.version(endpoint))
    versions = sorted({one for one in asked if one is not None and one.isdecimal()})
    return FindModel(endpoint.spec.model, tuple(versions))


def _pages(endpoint: Endpoint) -> ReadPages:
    port = Place().stats_port
    return ReadPages(endpoint.namespace, names.gateways_by_owner(endpoint), port, READINGS_PATH)


def _server_pages(endpoint: Endpoint) -> tuple[ReadPages, ...]:
    """Only while numbers decide something: a calm endpoint's pods aren't asked."""
    if active(endpoint.status.release) is None:
        return ()
    labels = names.servers_by_owner(endpoint)
    return (ReadPages(endpoint.namespace, labels, names.SERVER_PORT, COUNTS_PATH),)


def _waiting_pages(endpoint: Endpoint) -> tuple[ReadPages, ...]:
    """Only where pods may be gone: elsewhere the gateways have no waiting room."""
    if endpoint.spec.replicas.min > 0:
        return ()
    labels = names.gateways_by_owner(endpoint)
    return (ReadPages(endpoint.namespace, labels, names.HELD_PORT, names.HELD_PATH),)


def _quotas(endpoint: Endpoint) -> ListObjects:
    return ListObjects(RESOURCE_QUOTA, endpoint.namespace, ())


def assemble(endpoint: Endpoint, platform: Platform, seen: Seen) -> EndpointFacts:
    """The answers as one value."""
    pods: dict[str, tuple[Manifest, ...]] = {}
    parts: dict[str, tuple[Manifest, ...]] = {}
    for pod in seen.objects(_pods(endpoint)):
        parts[_part(pod)] = (*parts.get(_part(pod), ()), pod)
        if _part(pod) == names.SERVER:
            pods[_version(pod)] = (*pods.get(_version(pod), ()), pod)
    deployments = _live(endpoint, seen, DEPLOYMENT)
    return EndpointFacts(
        now=seen.now,
        model=seen.model(_model(endpoint)),
        registry_problem=seen.problem(_model(endpoint)),
        deployments={_version(one): one for one in deployments if _part(one) == names.SERVER},
        pods=pods,
        claim=next(iter(_live(endpoint, seen, VOLUME_CLAIM)), None),
        gateway=next((one for one in deployments if _part(one) == names.GATEWAY), None),
        gateway_pods=parts.get(names.GATEWAY, ()),
        baseline=next((one for one in deployments if _part(one) == names.BASELINE), None),
        baseline_pods=parts.get(names.BASELINE, ()),
        metric=seen.metric(asked) if (asked := lowest.question(endpoint)) is not None else None,
        readings={
            page.pod: parse_reading(page.text) for page in seen.pages(_pages(endpoint)) if page.text
        },
        counts={
            page.pod: parse_counts(page.text)
            for read in _server_pages(endpoint)
            for page in seen.pages(read)
            if page.text
        },
        absent=tuple(one for one in given(endpoint) if not seen.is_there(one.read(endpoint))),
        ingress=next(iter(_live(endpoint, seen, INGRESS)), None),
        route=next(iter(_live(endpoint, seen, HTTP_ROUTE)), None),
        route_problem=seen.problem(_children(endpoint, CHILDREN.index(HTTP_ROUTE))),
        held=sum(
            int(page.text)
            for read in _waiting_pages(endpoint)
            for page in seen.pages(read)
            if page.text.isdecimal()
        ),
        room=room(seen.objects(_quotas(endpoint)), endpoint.spec.cpu, endpoint.spec.memory),
        queries=queries.answers(endpoint, platform, seen),
        batch=batch.view(endpoint, _live(endpoint, seen, PIPELINE), seen),
        memory=seen.memory(Recall(endpoint.metadata.uid)),
    )


def _live(endpoint: Endpoint, seen: Seen, kind: KindRef) -> tuple[Manifest, ...]:
    return seen.objects(_children(endpoint, CHILDREN.index(kind)))


def _part(manifest: Manifest) -> str:
    return str(manifest["metadata"]["labels"].get(names.PART_LABEL, names.SERVER))


def _version(manifest: Manifest) -> str:
    return str(manifest["metadata"]["labels"].get(names.VERSION_LABEL, ""))
