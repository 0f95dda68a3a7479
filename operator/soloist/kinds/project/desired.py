"""What a Project wants to exist: identity, storage, a Pipeline and a ModelEndpoint."""

from __future__ import annotations

from typing import Any

from soloist.api.platform import Platform
from soloist.api.resources import API_VERSION
from soloist.api.v1alpha1.batch import Batch, Files
from soloist.api.v1alpha1.modelendpoint import EndpointTemplate, ModelEndpointSpec
from soloist.api.v1alpha1.parts import Storage
from soloist.api.v1alpha1.pipeline import PipelineSpec
from soloist.core.kind import Desired
from soloist.core.objects import (
    MODEL_ENDPOINT,
    PIPELINE,
    SERVICE_ACCOUNT,
    VOLUME_CLAIM,
    KindRef,
)
from soloist.kinds.pipeline.names import REQUEST
from soloist.kinds.pods import adopted
from soloist.kinds.project import names
from soloist.kinds.project.facts import ProjectFacts
from soloist.kinds.project.names import Project
from soloist.kinds.volumes import volume_claim


def desire(project: Project, facts: ProjectFacts, platform: Platform) -> Desired:
    """Shared things first: the pods of the others use them."""
    if project.metadata.deleted is not None:
        return Desired()
    wanted: list[tuple[KindRef, dict[str, Any]]] = [(SERVICE_ACCOUNT, _service_account(project))]
    if project.spec.storage.is_own_volume or facts.claim is not None:
        # A volume that was made stays, also when the spec names another place later: it holds the user's data.
        wanted.append((VOLUME_CLAIM, _claim(project, facts, platform)))
    wanted.append((PIPELINE, _pipeline(project)))
    if project.spec.endpoint is not None:
        wanted.append((MODEL_ENDPOINT, _endpoint(project, project.spec.endpoint)))
    labels = names.labels(project)
    return Desired(tuple((kind, adopted(project, labels, manifest)) for kind, manifest in wanted))


def _service_account(project: Project) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": names.service_account(project), "namespace": project.namespace},
        "automountServiceAccountToken": False,
    }


def _claim(project: Project, facts: ProjectFacts, platform: Platform) -> dict[str, Any]:
    return volume_claim(
        names.claim(project),
        project.namespace,
        project.spec.storage.size,
        facts.claim,
        platform,
        platform.volumes.size,
    )


def _pipeline(project: Project) -> dict[str, Any]:
    spec = project.spec
    pipeline = PipelineSpec(
        **spec.pipeline.model_dump(),
        source=spec.source,
        runtime=spec.runtime,
        env=spec.env,
        storage=_storage(project),
        service_account=names.service_account(project),
        model=names.model(project),
        problem=spec.goal.problem,
        metric=spec.goal.metric,
        owner=spec.owner,
    )
    request = project.metadata.annotations.get(REQUEST)
    return {
        "apiVersion": API_VERSION,
        "kind": "Pipeline",
        "metadata": {
            "name": names.pipeline(project),
            "namespace": project.namespace,
            **({"annotations": {REQUEST: request}} if request else {}),
        },
        "spec": pipeline.manifest(),
    }


def _storage(project: Project) -> Storage:
    own = project.spec.storage.is_own_volume
    return Storage(claim=names.claim(project)) if own else project.spec.storage


def _endpoint(project: Project, template: EndpointTemplate) -> dict[str, Any]:
    endpoint = ModelEndpointSpec(
        **{**template.model_dump(), "batch": _batch(project, template.batch)},
        model=names.model(project),
        runtime=project.spec.runtime,
        service_account=names.service_account(project),
    )
    return {
        "apiVersion": API_VERSION,
        "kind": "ModelEndpoint",
        "metadata": {"name": names.endpoint(project), "namespace": project.namespace},
        "spec": endpoint.manifest(),
    }


def _batch(project: Project, batch: Batch | None) -> Batch | None:
    """Its files lie where the project's steps keep theirs, unless it names another place."""
    if batch is None or batch.storage.claim is not None or batch.storage.s3 is not None:
        return batch
    storage = _storage(project)
    files = Files(claim=storage.claim, s3=storage.s3)
    return batch.model_copy(update={"storage": files})
