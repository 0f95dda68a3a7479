"""Names and labels of everything a Project makes."""

from __future__ import annotations

from soloist.api.parse import Resource
from soloist.api.v1alpha1.project import ProjectSpec, ProjectStatus
from soloist.core.objects import OWNER_UID, owner_labels

Project = Resource[ProjectSpec, ProjectStatus]

KIND = "Project"


def service_account(project: Project) -> str:
    """Who the project's pods are."""
    return project.name


def claim(project: Project) -> str:
    """The volume for its steps' data."""
    return f"{project.name}-data"


def pipeline(project: Project) -> str:
    return project.name


def endpoint(project: Project) -> str:
    return project.name


def model(project: Project) -> str:
    """The registered model. MLflow's registry has one name space for all: ours tells the Kubernetes one."""
    return f"{project.namespace}.{project.name}"


def labels(project: Project) -> dict[str, str]:
    """Labels of every child."""
    return owner_labels(KIND, project.name, project.metadata.uid)


def by_owner(project: Project) -> tuple[tuple[str, str], ...]:
    """The selector that finds them again."""
    return ((OWNER_UID, project.metadata.uid),)
