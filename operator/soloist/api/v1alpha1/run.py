"""`Run`: one immutable execution of a pipeline's steps."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from soloist.api.fields import Image, Label, Model, ModelName, ObjectName, Scalar, Time
from soloist.api.forms import Rule
from soloist.api.v1alpha1.parts import CommonStatus, ModelVersion, Source, Storage
from soloist.api.v1alpha1.pipeline import EnvVars, Steps

Phase = Literal["Pending", "Running", "Succeeded", "Failed"]
NAME_LIMIT = 47  # KubeRay's limit for the names of RayJobs
TERMINAL_PHASES = ("Succeeded", "Failed")


class Trigger(Model):
    """Why a Run exists."""

    reason: Literal["Source", "Schedule", "Request", "Manual"] = "Manual"
    """Source (code or steps changed), Schedule (the clock), Request (the annotation `soloist.dev/run`), or Manual."""
    id: str = Field(default="", max_length=200)
    """The digest, time or text that was answered with this Run. Each is answered once."""


class RunSpec(Model):
    """Everything that one execution needs. It never changes; for another execution create another Run."""

    rules: ClassVar = (
        Rule(
            "self == oldSelf",
            "a Run never changes once it exists: create another Run (or edit its Pipeline, which makes one)",
        ),
        Rule(
            "!has(self.storage) || !has(self.storage.size)",
            "a Run makes no volume that lasts, so storage.size says nothing here: remove it, or name a claim or s3",
            field=".storage.size",
        ),
    )

    source: Source
    """Where the code comes from. For Git, `ref` is the commit."""
    source_digest: str | None = Field(default=None, max_length=128)
    """Digest of the code that runs, so that a model version leads back to it."""
    runtime: Label | None = None
    """Name of one of the platform's runtimes. Without it the default one."""
    image: Image | None = None
    """Image that the steps run in, pinned when the Run was made. Without it the runtime's."""
    steps: Steps
    """The steps, in order."""
    env: EnvVars = Field(default_factory=list)
    """Environment variables of every step, from values or Secrets."""
    storage: Storage = Field(default_factory=Storage)
    """Where steps keep data for one another: a claim or a bucket. Without either, a volume that goes with the Run."""
    service_account: ObjectName | None = None
    """ServiceAccount of the pods, for example one that a cloud's bucket trusts. Without it the namespace's default one. Its
    token is never mounted."""
    model: ModelName | None = None
    """Name under which the model is registered in MLflow. Without it `<namespace>.<name of the Run>`."""
    experiment: str | None = Field(default=None, max_length=250)
    """MLflow experiment that the Run belongs to. Without it `<namespace>/<name of the Run>`."""
    problem: str | None = Field(default=None, max_length=1000)
    """The problem in one sentence; describes the experiment in MLflow."""
    metric: str | None = Field(default=None, max_length=250)
    """MLflow metric to show beside the Run."""
    owner: str | None = Field(default=None, max_length=254)
    """Who answers for it; goes to MLflow."""
    trigger: Trigger = Field(default_factory=Trigger)
    """Why this Run exists."""


class Attempt(Model):
    """One attempt of a step that did not succeed."""

    number: int
    """1 for the first."""
    reason: str = Field(max_length=64)
    """Why it ended: NonZeroExit, OutOfMemory, CommandNotFound, DeadlineExceeded, Disrupted."""
    message: str = Field(default="", max_length=1024)
    """The same in words."""
    exit_code: int | None = None
    """Exit code of the command."""
    memory_peak: int | None = None
    """Most memory that the pod used during the attempt, in bytes."""
    end_time: Time | None = None
    """When it ended."""


StepPhase = Literal["Waiting", "Running", "Succeeded", "Failed", "Skipped"]


class StepStatus(Model):
    """How far a step has come."""

    name: str
    """The step."""
    phase: StepPhase = "Waiting"
    """Waiting, Running, Succeeded, Failed, or Skipped (a step before it failed)."""
    attempt: int = 0
    """Number of the newest attempt."""
    start_time: Time | None = None
    """When its first attempt started."""
    end_time: Time | None = None
    """When it ended."""
    failures: list[Attempt] = Field(default_factory=list, max_length=20)
    """Attempts that did not succeed, oldest first."""
    log: str = Field(default="", max_length=4096)
    """The last lines that it printed. The whole log is the artifact `logs/<step>-<attempt>.log` of the MLflow run."""


class RunStatus(CommonStatus):
    """How the execution goes."""

    phase: Phase = "Pending"
    """Pending (waiting for its Ray cluster), Running, Succeeded or Failed."""
    progress: str = Field(default="", max_length=32)
    """Steps done, of all steps: `1/2`."""
    start_time: Time | None = None
    """When the operator began with it."""
    end_time: Time | None = None
    """When it ended."""
    steps: list[StepStatus] = Field(
        default_factory=list,
        max_length=20,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    """Each step."""
    experiment_id: str | None = None
    """MLflow experiment's id."""
    mlflow_run_id: str | None = None
    """MLflow run's id."""
    metrics: dict[str, Scalar] = Field(default_factory=dict, max_length=20)
    """Metrics that the code logged to MLflow (the newest value of each, at most 20)."""
    model: ModelVersion | None = None
    """The version that was registered from this Run."""
    image: str | None = None
    """Image that the steps run in."""
