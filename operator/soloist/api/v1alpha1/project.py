"""`Project`: the whole of one data scientist's problem, from data to served model."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from soloist.api.fields import Label, Model
from soloist.api.v1alpha1.modelendpoint import EndpointTemplate
from soloist.api.v1alpha1.parts import CommonStatus, ModelVersion, Source, Storage
from soloist.api.v1alpha1.pipeline import EnvVars, LastRun, PipelineTemplate

NAME_LIMIT = 40


class Goal(Model):
    """What the project is for, and the number that says how well it does."""

    problem: str | None = Field(default=None, max_length=1000)
    """The problem in one sentence; describes the experiment in MLflow."""
    metric: str | None = Field(default=None, max_length=250)
    """MLflow metric that the project is judged by, for example `mae`; shown beside each Run."""


class ProjectSpec(Model):
    """The problem, the code, the pipeline and the endpoint."""

    rules: ClassVar = ()

    owner: str | None = Field(default=None, max_length=254)
    """Who answers for the project, for example a mail address."""
    goal: Goal = Field(default_factory=Goal)
    """What the project is for."""
    source: Source
    """Where the code comes from. When it changes, a new Run starts."""
    runtime: Label | None = None
    """Name of one of the platform's runtimes (image with Ray and libraries). Without it the default one."""
    env: EnvVars = Field(default_factory=list)
    """Environment variables of every step, from values or Secrets."""
    storage: Storage = Field(default_factory=Storage)
    """Where steps keep data for one another. The volume belongs to the project and stays when its pipeline is changed."""
    pipeline: PipelineTemplate
    """The steps from data to a registered model, and when they run."""
    endpoint: EndpointTemplate | None = None
    """Serve the model. `endpoint: {}` is enough; without the field nothing is served."""


class ProjectStatus(CommonStatus):
    """How the project stands."""

    stage: str = Field(default="Pending", max_length=32)
    """Pending, Running, Deploying, Serving, Done (nothing to serve), Suspended or Stalled."""
    model: ModelVersion | None = None
    """The version that is served; without an endpoint the newest registered one."""
    model_name: str = Field(default="-", max_length=256)
    """The same, to show: `flight-delays v3`."""
    last_run: LastRun | None = None
    """The newest Run."""
    url: str | None = Field(default=None, max_length=512)
    """Address for predictions inside the cluster."""
