"""What a ModelEndpoint has to know: what the registry says, and how the pods of each version are doing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from soloist.api.platform import Platform
from soloist.core.effects import FindModel, ListObjects, Problem, Read, RegisteredModel
from soloist.core.objects import (
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    NETWORK_POLICY,
    POD,
    SERVICE,
    VOLUME_CLAIM,
    KindRef,
    Manifest,
)
from soloist.core.seen import Seen
from soloist.kinds.modelendpoint import names
from soloist.kinds.modelendpoint.names import Endpoint

CHILDREN = (VOLUME_CLAIM, NETWORK_POLICY, SERVICE, DEPLOYMENT, DISRUPTION_BUDGET)


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
    selected: str | None
    """The version that the live Service points at."""


def needs(endpoint: Endpoint, platform: Platform) -> tuple[Read, ...]:
    """Its children, their pods, and the registered model."""
    return (
        *(_children(endpoint, number) for number in range(len(CHILDREN))),
        _pods(endpoint),
        FindModel(endpoint.spec.model),
    )


def _children(endpoint: Endpoint, number: int) -> ListObjects:
    return ListObjects(CHILDREN[number], endpoint.namespace, names.by_owner(endpoint))


def _pods(endpoint: Endpoint) -> ListObjects:
    return ListObjects(POD, endpoint.namespace, names.by_owner(endpoint))


def assemble(endpoint: Endpoint, platform: Platform, seen: Seen) -> EndpointFacts:
    """The answers as one value."""
    read = FindModel(endpoint.spec.model)
    deployments = _live(endpoint, seen, DEPLOYMENT)
    pods: dict[str, tuple[Manifest, ...]] = {}
    for pod in seen.objects(_pods(endpoint)):
        version = _version(pod)
        pods[version] = (*pods.get(version, ()), pod)
    return EndpointFacts(
        now=seen.now,
        model=seen.model(read),
        registry_problem=seen.problem(read),
        deployments={_version(one): one for one in deployments},
        pods=pods,
        claim=next(iter(_live(endpoint, seen, VOLUME_CLAIM)), None),
        selected=_selected(next(iter(_live(endpoint, seen, SERVICE)), None)),
    )


def _live(endpoint: Endpoint, seen: Seen, kind: KindRef) -> tuple[Manifest, ...]:
    return seen.objects(_children(endpoint, CHILDREN.index(kind)))


def _selected(service: Manifest | None) -> str | None:
    if service is None:
        return None
    version = (service["spec"].get("selector") or {}).get(names.VERSION_LABEL)
    return None if version is None else str(version)


def _version(manifest: Manifest) -> str:
    return str(manifest["metadata"]["labels"].get(names.VERSION_LABEL, ""))
