"""Our kinds, as the API server knows them: names, models and printer columns in one table."""

from __future__ import annotations

from dataclasses import dataclass

from soloist.api.fields import Model
from soloist.api.v1alpha1 import modelendpoint, pipeline, project, run

GROUP = "soloist.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "soloist"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0
    """0 is always shown, 1 with `-o wide`."""


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """One of our kinds."""

    kind: str
    plural: str
    short: str
    spec: type[Model]
    status: type[Model]
    columns: tuple[Column, ...]
    name_limit: int
    name_reason: str
    """Why a name may not be longer, as in "because <reason>"."""
    description: str
    """What the kind is, for `kubectl explain`."""
    selectable: tuple[str, ...] = ()
    """Fields for `kubectl get --field-selector`."""

    @property
    def singular(self) -> str:
        return self.kind.lower()


_RUNS = (
    "its Runs are named after it with a number, their Ray jobs after them, and KubeRay allows 47"
)
AGE = Column("Age", ".metadata.creationTimestamp", "date")
READY = '.status.conditions[?(@.type=="Ready")]'
SUMMARY = Column("Summary", ".status.summary", priority=1)

PROJECT = ResourceKind(
    "Project",
    "projects",
    "proj",
    project.ProjectSpec,
    project.ProjectStatus,
    (
        Column("Stage", ".status.stage"),
        Column("Model", ".status.modelName"),
        Column("Last Run", ".status.lastRun.phase"),
        Column("Endpoint", ".status.url"),
        AGE,
        SUMMARY,
    ),
    project.NAME_LIMIT,
    _RUNS,
    "A whole project of one data scientist: the problem, the code, the steps from data to a registered model, and the"
    " endpoint that serves it",
    (".status.stage",),
)
PIPELINE = ResourceKind(
    "Pipeline",
    "pipelines",
    "pl",
    pipeline.PipelineSpec,
    pipeline.PipelineStatus,
    (
        Column("Ready", f"{READY}.status"),
        Column("Last Run", ".status.lastRun.name"),
        Column("Phase", ".status.lastRun.phase"),
        Column("Schedule", ".spec.schedule"),
        Column("Next", ".status.nextScheduleTime"),
        AGE,
        SUMMARY,
    ),
    pipeline.NAME_LIMIT,
    _RUNS,
    "The steps from data to a registered model, and when they run",
    (),
)
RUN = ResourceKind(
    "Run",
    "runs",
    "run",
    run.RunSpec,
    run.RunStatus,
    (
        Column("Phase", ".status.phase"),
        Column("Steps", ".status.progress"),
        Column("Why", ".spec.trigger.reason"),
        Column("Model", ".status.model.name"),
        Column("Version", ".status.model.version"),
        AGE,
        SUMMARY,
    ),
    run.NAME_LIMIT,
    "its Ray cluster and Ray jobs are named after it, and KubeRay allows 47",
    "One execution of a pipeline's steps. It never changes",
    (".status.phase", ".spec.trigger.reason"),
)
MODEL_ENDPOINT = ResourceKind(
    "ModelEndpoint",
    "modelendpoints",
    "mep",
    modelendpoint.ModelEndpointSpec,
    modelendpoint.ModelEndpointStatus,
    (
        Column("Ready", f"{READY}.status"),
        Column("Model", ".status.served.name"),
        Column("Version", ".status.served.version"),
        Column("Rung", ".status.rung"),
        Column("Rollout", ".status.rollout"),
        Column("Last Verdict", ".status.lastVerdict"),
        AGE,
        Column("Replicas", ".status.readyReplicas", "integer", priority=1),
        Column("URL", ".status.url", priority=1),
        SUMMARY,
    ),
    modelendpoint.NAME_LIMIT,
    "its Service, volume and Deployments are named after it, and a pod's name ends at 63",
    "A model of MLflow's registry, served",
    (".spec.model",),
)
KINDS = (PROJECT, PIPELINE, RUN, MODEL_ENDPOINT)
