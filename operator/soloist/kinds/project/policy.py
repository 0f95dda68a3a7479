"""At which stage a Project is."""

from __future__ import annotations

from soloist.api.conditions import Condition, ConditionType
from soloist.api.v1alpha1.parts import CommonStatus, ModelVersion
from soloist.kinds.project.facts import ProjectFacts
from soloist.kinds.project.names import Project


def is_true(status: CommonStatus | None, kind: ConditionType) -> bool:
    """Whether a child says so of itself."""
    found = find(status, kind)
    return found is not None and found.status == "True"


def find(status: CommonStatus | None, kind: ConditionType) -> Condition | None:
    """A child's condition of that type."""
    conditions = status.conditions if status is not None else []
    return next((one for one in conditions if one.type == kind), None)


def stage(project: Project, facts: ProjectFacts) -> str:
    """One word for where the project stands. What is served outweighs what runs: a served model stays served."""
    endpoint, pipeline = facts.endpoint, facts.pipeline
    if is_true(endpoint, ConditionType.READY):
        return "Serving"
    if is_true(pipeline, ConditionType.STALLED) or is_true(endpoint, ConditionType.STALLED):
        return "Stalled"
    if pipeline is not None and pipeline.active:
        return "Running"
    if project.spec.pipeline.suspend:
        return "Suspended"
    if pipeline is None or not is_true(pipeline, ConditionType.READY):
        return "Pending"
    if project.spec.endpoint is None:
        return "Done"
    return "Deploying" if pipeline.model is not None else "Pending"


def model(project: Project, facts: ProjectFacts) -> ModelVersion | None:
    """The version that is served; without an endpoint the newest registered one."""
    if project.spec.endpoint is not None:
        served = facts.endpoint.served if facts.endpoint is not None else None
        return ModelVersion(name=served.name, version=served.version) if served else None
    return facts.pipeline.model if facts.pipeline is not None else None


def shown_model(project: Project, version: ModelVersion | None) -> str:
    """The model as `kubectl get` shows it: without the namespace, which the user knows."""
    if version is None:
        return "-"
    return f"{version.name.removeprefix(f'{project.namespace}.')} v{version.version}"
