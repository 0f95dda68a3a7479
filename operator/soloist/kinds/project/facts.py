"""What a Project has to know: how its pipeline and its endpoint are doing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from soloist.api.parse import Invalid, parse
from soloist.api.platform import Platform
from soloist.api.v1alpha1.modelendpoint import ModelEndpointSpec, ModelEndpointStatus
from soloist.api.v1alpha1.pipeline import PipelineSpec, PipelineStatus
from soloist.core.effects import ListObjects, Problem, Read
from soloist.core.objects import (
    MODEL_ENDPOINT,
    PIPELINE,
    SERVICE_ACCOUNT,
    VOLUME_CLAIM,
    KindRef,
    Manifest,
)
from soloist.core.seen import Seen
from soloist.kinds.project import names
from soloist.kinds.project.names import Project

CHILDREN = (SERVICE_ACCOUNT, VOLUME_CLAIM, PIPELINE, MODEL_ENDPOINT)


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """The world as one reconcile of a Project sees it."""

    now: datetime
    claim: Manifest | None
    pipeline: PipelineStatus | None
    endpoint: ModelEndpointStatus | None
    """None also for one that is no longer asked for."""
    problems: tuple[Problem, ...] = ()


def needs(project: Project, platform: Platform) -> tuple[Read, ...]:
    """Its children."""
    return tuple(_children(project, kind) for kind in CHILDREN)


def _children(project: Project, kind: KindRef) -> ListObjects:
    return ListObjects(kind, project.namespace, names.by_owner(project))


def assemble(project: Project, platform: Platform, seen: Seen) -> ProjectFacts:
    """The answers as one value."""
    _, claims, pipelines, endpoints = (seen.objects(_children(project, kind)) for kind in CHILDREN)
    return ProjectFacts(
        now=seen.now,
        claim=claims[0] if claims else None,
        pipeline=_pipeline(pipelines[0]) if pipelines else None,
        endpoint=_endpoint(endpoints[0]) if endpoints and project.spec.endpoint else None,
        problems=seen.problems(),
    )


def _pipeline(manifest: Manifest) -> PipelineStatus | None:
    parsed = parse(manifest, PipelineSpec, PipelineStatus)
    return None if isinstance(parsed, Invalid) else parsed.status


def _endpoint(manifest: Manifest) -> ModelEndpointStatus | None:
    parsed = parse(manifest, ModelEndpointSpec, ModelEndpointStatus)
    return None if isinstance(parsed, Invalid) else parsed.status
