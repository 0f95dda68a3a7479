"""Names and labels of everything a Pipeline makes."""

from __future__ import annotations

from soloist.api.parse import Resource
from soloist.api.v1alpha1.pipeline import PipelineSpec, PipelineStatus
from soloist.core.objects import OWNER_UID, owner_labels

Pipeline = Resource[PipelineSpec, PipelineStatus]

KIND = "Pipeline"
# Set this annotation to any new text to start a Run by hand.
REQUEST = "soloist.dev/run"
# On a Run: the digest of code and steps that it was made from, whatever its trigger was.
ANSWERS = "soloist.dev/answers"


def run(pipeline: Pipeline, number: int) -> str:
    """A Run: numbers are never used again."""
    return f"{pipeline.name}-{number}"


def run_number(pipeline: Pipeline, name: str) -> int:
    """The number in a Run's name; 0 for a name that is not of ours."""
    number = name.removeprefix(f"{pipeline.name}-")
    return int(number) if number.isdigit() else 0


def claim(pipeline: Pipeline) -> str:
    """The volume for its steps' data."""
    return f"{pipeline.name}-data"


def model(pipeline: Pipeline) -> str:
    """The registered model. MLflow's registry has one name space for all: ours tells the Kubernetes one."""
    return pipeline.spec.model or f"{pipeline.namespace}.{pipeline.name}"


def experiment(pipeline: Pipeline) -> str:
    """The MLflow experiment."""
    return f"{pipeline.namespace}/{pipeline.name}"


def labels(pipeline: Pipeline) -> dict[str, str]:
    """Labels of every child."""
    return owner_labels(KIND, pipeline.name, pipeline.metadata.uid)


def by_owner(pipeline: Pipeline) -> tuple[tuple[str, str], ...]:
    """The selector that finds them again."""
    return ((OWNER_UID, pipeline.metadata.uid),)
