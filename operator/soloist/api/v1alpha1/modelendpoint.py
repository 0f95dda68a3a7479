"""`ModelEndpoint`: a registered model, served."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from soloist.api.fields import Cpu, Label, Memory, Model, ModelName, ObjectName, Time
from soloist.api.forms import Rule
from soloist.api.v1alpha1.gateway import Gateway, Rung
from soloist.api.v1alpha1.parts import CommonStatus, ModelVersion
from soloist.api.v1alpha1.replicas import Activity, Replicas
from soloist.api.v1alpha1.rollout import Rollout
from soloist.api.v1alpha1.rollout_status import RolloutRecord

NAME_LIMIT = 40


class EndpointTemplate(Model):
    """The part of an endpoint that a Project embeds."""

    replicas: Replicas = Field(default_factory=Replicas)
    """How many pods serve the model."""
    cpu: Cpu = "100m"
    """CPU cores for each pod."""
    memory: Memory = "1Gi"
    """Memory for each pod."""
    rollout: Rollout | None = None
    """How a new version takes over from the champion. Without it, it takes over as soon as its pods are ready; `rollout: {}` lets
    it earn its traffic."""
    failover: list[Rung] = Field(
        default=["previous"],
        max_length=1,
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    """Who answers when no pod of the champion does: `previous`, the version before it, is kept running on one pod for that. An
    empty list keeps nobody."""
    gateway: Gateway = Field(default_factory=Gateway)
    """What stands before the pods."""
    allow_pickle: bool = False
    """Whether to load models that can run any code when they are loaded (pickle, cloudpickle, Python functions). Allow it only for
    models whose author you trust. scikit-learn models saved with skops, LightGBM, XGBoost and ONNX don't need it."""


class ModelEndpointSpec(EndpointTemplate):
    """Which model is served, and with what."""

    rules: ClassVar = (
        Rule(
            "self.model == oldSelf.model",
            "model of a ModelEndpoint never changes: create another ModelEndpoint for the other model",
        ),
    )

    model: ModelName
    """Name of the registered model in MLflow. The version with the alias `candidate`, once its pods are ready, becomes
    `champion` and is served; the one before becomes `previous`."""
    runtime: Label | None = None
    """Name of one of the platform's runtimes. Without it the default one."""
    service_account: ObjectName | None = None
    """ServiceAccount of the pods, for example one that a cloud's bucket trusts. Without it the namespace's default one. Its
    token is never mounted."""


class PinnedVersion(ModelVersion):
    """A version with the artifact that it was resolved to, once: serving needs no registry after that."""

    artifact: str = Field(max_length=1024)
    """Address of the model's files, as given to the pods."""
    image: str | None = Field(default=None, max_length=1024)
    """Image that serves it, pinned with the version."""


class ModelEndpointStatus(CommonStatus):
    """What is served."""

    served: PinnedVersion | None = None
    """The champion: the version that answers requests."""
    target: PinnedVersion | None = None
    """The version that is being rolled out, if another one."""
    versions: list[PinnedVersion] = Field(
        default_factory=list,
        max_length=20,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["version"],
        },
    )
    """Every version that has pods, with the artifact that it was resolved to."""
    release: RolloutRecord = Field(default_factory=RolloutRecord)
    """What was decided about versions: champion, previous, the rollout under way, and what was refused."""
    rung: Literal["champion", "previous", "none"] | None = None
    """Who answers requests now. Anything but champion means that the champion's pods don't."""
    rung_time: Time | None = None
    """Since when."""
    weight: int | None = None
    """Percentage of the requests that the version under rollout answers."""
    url: str | None = Field(default=None, max_length=512)
    """Address for predictions inside the cluster."""
    ready_replicas: int = 0
    """Pods of the served version that are ready to answer."""
    activity: Activity | None = None
    """When somebody last asked. Only with `replicas.min: 0`."""
    last_change_time: Time | None = None
    """When the served version last changed."""
