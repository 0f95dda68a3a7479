"""`ModelEndpoint`: a registered model, served."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from soloist.api.fields import Cpu, Label, Memory, Model, ModelName, ObjectName, Time
from soloist.api.forms import Rule
from soloist.api.v1alpha1.baseline import Baseline, PinnedBaseline
from soloist.api.v1alpha1.batch import Batch, BatchStatus
from soloist.api.v1alpha1.gateway import Gateway, Rung
from soloist.api.v1alpha1.parts import CommonStatus, ModelVersion
from soloist.api.v1alpha1.replicas import Activity, Replicas
from soloist.api.v1alpha1.rollout import Rollout
from soloist.api.v1alpha1.rollout_status import RolloutRecord

NAME_LIMIT = 40


class EndpointTemplate(Model):
    """The part of an endpoint that a Project embeds."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!('baseline' in self.failover) || has(self.baseline)",
            "failover ends with baseline, so baseline must say what it answers: add baseline: {constant: 0} or the like,"
            " or take baseline off the list",
            field=".failover",
        ),
        Rule(
            "!has(self.baseline) || 'baseline' in self.failover",
            "a baseline answers only if failover names it: write failover: [previous, baseline], or remove baseline",
            field=".baseline",
        ),
        Rule(
            "!has(self.baseline) || self.replicas.min > 0",
            "an endpoint that sleeps lets requests wait for its champion, and a baseline would answer them first: set"
            " replicas.min to 1 or more, or remove baseline",
            field=".baseline",
        ),
        Rule(
            "!has(self.optimize) || !has(self.batch)",
            "a batch gives the very answers that requests get, and a graph's differ in the last digits: remove optimize or batch,"
            " or score the set with a ModelEndpoint of its own",
            field=".optimize",
        ),
        Rule(
            "!has(self.rollout) || !has(self.rollout.replay) || !has(self.gateway) || !has(self.gateway.auth)",
            "kept requests are asked again through the gateway, without the keys and tokens that they came with, and it would refuse"
            " them: remove rollout.replay or gateway.auth",
            field=".rollout",
        ),
    )

    replicas: Replicas = Field(default_factory=Replicas)
    """How many pods serve the model."""
    cpu: Cpu = "100m"
    """CPU cores for each pod."""
    memory: Memory = "1Gi"
    """Memory for each pod."""
    rollout: Rollout | None = None
    """How a new version takes over from the champion. Without it, it takes over as soon as its pods are ready; `rollout: {}` lets
    it earn its traffic."""
    failover: Annotated[
        list[Rung],
        Rule(
            "!('baseline' in self) || self[self.size() - 1] == 'baseline'",
            "baseline is the last rung, nobody is asked after it: write [previous, baseline]",
        ),
    ] = Field(
        default=["previous"],
        max_length=2,
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    """Who answers when no pod of the champion does, in this order. `previous`: the version before it. `baseline`: what `baseline`
    says. Each is kept running on one pod for that. An empty list keeps nobody."""
    baseline: Baseline | None = None
    """The last rung of `failover`: a constant, a metric of the training run, or a version."""
    gateway: Gateway = Field(default_factory=Gateway)
    """What stands before the pods."""
    allow_pickle: bool = False
    """Whether to load models that can run any code when they are loaded (pickle, cloudpickle, Python functions). Allow it only for
    models whose author you trust. scikit-learn models saved with skops, LightGBM, XGBoost and ONNX don't need it."""
    batch: Batch | None = None
    """A set of files to score with the version that is served. Each row gets the very answer that a request with it would get."""
    optimize: Literal["onnx"] | None = None
    """Answer from a faster form of the model. `onnx` converts scikit-learn models of number columns, and is used only where it
    answers as the model does on at least 100 held-out rows, logged with the model as `parity_rows.parquet`; status says whether
    it is. Without it the model itself answers."""


class ModelEndpointSpec(EndpointTemplate):
    """Which model is served, and with what."""

    rules: ClassVar[tuple[Rule, ...]] = (
        *EndpointTemplate.rules,
        Rule(
            "self.model == oldSelf.model",
            "model of a ModelEndpoint never changes: create another ModelEndpoint for the other model",
        ),
        Rule(
            "!has(self.batch) || (has(self.batch.storage) && (has(self.batch.storage.claim) || has(self.batch.storage.s3)))",
            "batch needs to know where its files are: name the PersistentVolumeClaim in batch.storage.claim, or a bucket in"
            " batch.storage.s3",
            field=".batch",
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


class Optimized(Model):
    """Whether the faster form that was asked for answers requests."""

    form: Literal["onnx"]
    """The form."""
    taken: bool
    """True when it answers. Otherwise the model itself does."""
    rows: int = Field(default=0, ge=0)
    """Held-out rows on which both were compared."""
    message: str = Field(max_length=1024)
    """What the comparison showed, or why there was none."""


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
    baseline: PinnedBaseline | None = None
    """What the baseline answers, where it is a constant or a metric."""
    rung: Literal["champion", "previous", "baseline", "none"] | None = None
    """Who answers requests now. Anything but champion means that the champion's pods don't; none, that not every pod of the
    gateway knows somebody who does."""
    rung_time: Time | None = None
    """Since when."""
    optimized: Optimized | None = None
    """What became of `optimize` for the served version."""
    weight: int | None = None
    """Percentage of the requests that the version under rollout answers."""
    rollout: str | None = Field(default=None, max_length=64)
    """The rollout under way, to show: `v5 Canary 10 %`."""
    last_verdict: str | None = Field(default=None, max_length=640)
    """What the gates found last, to show: `v5 Fail: errorRate 12 % (n=340) against 0.4 % (n=3,100), tolerated 1 %`. All of them
    are in `release.rollout.evidence`."""
    url: str | None = Field(default=None, max_length=512)
    """Address for predictions: outside of the cluster where there is one, else inside."""
    ready_replicas: int = 0
    """Pods of the served version that are ready to answer."""
    activity: Activity | None = None
    """When somebody last asked. Only with `replicas.min: 0`."""
    last_change_time: Time | None = None
    """When the served version last changed."""
    batch: BatchStatus | None = None
    """How the newest scoring of the set went."""
