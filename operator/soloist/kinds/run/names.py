"""Names and labels of everything a Run makes."""

from __future__ import annotations

from soloist.api.parse import Resource
from soloist.api.v1alpha1.run import NAME_LIMIT, RunSpec, RunStatus
from soloist.core.objects import OWNER_UID, owner_labels, shorten

Run = Resource[RunSpec, RunStatus]

KIND = "Run"
HEAD_CONTAINER = "ray-head"
STEP_LABEL = "soloist.dev/step"
ATTEMPT_LABEL = "soloist.dev/attempt"


def cluster(run: Run) -> str:
    """The RayCluster: one per Run, named like it."""
    return run.name


def job(run: Run, step: str, attempt: int) -> str:
    """The RayJob of one attempt of one step."""
    return shorten(f"{run.name}-{step}-{attempt}", NAME_LIMIT)


def network_policy(run: Run) -> str:
    """Not the Run's own name: a ModelEndpoint `flights-1` has a policy of that name beside the Run of `flights`."""
    return f"{run.name}-ray"


def experiment(run: Run) -> str:
    """The MLflow experiment."""
    return run.spec.experiment or f"{run.namespace}/{run.name}"


def model(run: Run) -> str:
    """The registered model. MLflow's registry has one name space for all: ours tells the Kubernetes one."""
    return run.spec.model or f"{run.namespace}.{run.name}"


def labels(run: Run) -> dict[str, str]:
    """Labels of every child and of its pods."""
    return owner_labels(KIND, run.name, run.metadata.uid)


def by_owner(run: Run) -> tuple[tuple[str, str], ...]:
    """The selector that finds them again."""
    return ((OWNER_UID, run.metadata.uid),)
