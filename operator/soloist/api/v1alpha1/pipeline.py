"""`Pipeline`: the steps from data to a registered model, and when they run."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from soloist.api import cron
from soloist.api.fields import (
    DNS_LABEL,
    Cpu,
    Duration,
    EnvName,
    Label,
    Memory,
    Model,
    ModelName,
    ObjectName,
    Scalar,
    Time,
)
from soloist.api.forms import Form, Rule
from soloist.api.v1alpha1.parts import (
    FREE_NAMES,
    CommonStatus,
    EnvVar,
    ModelVersion,
    Source,
    Storage,
)

STEP_NAME_LIMIT = 30
NAME_LIMIT = (
    40  # + "-" and a run number of up to 6 digits = 47, KubeRay's limit for a RayJob's name
)

MAX_STEPS = 20
# CEL's list macros have no index, hence the written-out one: its known length also keeps the estimated cost in budget
# (`indexOf` on a mapped list of names exceeded it a hundredfold). `format` quotes a name whose length the estimator
# can't know; a `+` would be refused for that.
_POSITIONS = f"[{', '.join(str(position) for position in range(MAX_STEPS))}]"
_IS_ABOVE = f"{_POSITIONS}.exists(j, j < i && self[j].name == name)"
_IS_WRONG = f"i < self.size() && has(self[i].after) && !self[i].after.all(name, {_IS_ABOVE})"
_HAS_TWIN = "!self.exists_one(other, other.name == step.name)"
STEP_RULES = (
    Rule(
        f"!{_POSITIONS}.exists(i, {_IS_WRONG})",
        "after may only name steps that are listed above the step itself: correct the name or move the step",
        "\"step '%s' may only come after steps that are listed above it: correct the name in after, or move the step"
        f' down".format([self[{_POSITIONS}.filter(i, {_IS_WRONG})[0]].name])',
    ),
    Rule(
        f"!self.exists(step, {_HAS_TWIN})",
        "two steps have the same name: give each step a name of its own",
        "\"the name '%s' stands on more than one step: give each step a name of its own\""
        f".format([self.filter(step, {_HAS_TWIN})[0].name])",
    ),
)
Text = Annotated[str, Field(max_length=4096)]
StepName = Annotated[
    str,
    Field(max_length=STEP_NAME_LIMIT),
    Form(
        "a name for a step: use lower-case letters, digits and '-', with a letter or digit at both ends",
        (DNS_LABEL,),
    ),
]
Command = Annotated[
    str,
    Field(max_length=4096),
    Form(
        "a command: write what the shell shall run, for example python train.py",
        (r"^(?s:.*\S.*)$",),
    ),
]
Schedule = Annotated[str, Field(max_length=100), cron.FORM]
TimeZone = Annotated[
    str,
    Field(max_length=64),
    Form(
        "a time zone: write its name in the IANA database, such as Europe/Berlin or UTC",
        (r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$",),
    ),
]


class Step(Model):
    """One command, run on Ray."""

    name: StepName
    """Name of the step, at most 30 characters."""
    command: Command
    """Shell command to run in the folder of the code, for example `python train.py`. `ray.init()` joins the Run's Ray
    cluster and `mlflow.start_run()` continues the Run's MLflow run; nothing has to be configured."""
    after: (
        Annotated[
            list[StepName],
            Field(max_length=MAX_STEPS, json_schema_extra={"x-kubernetes-list-type": "set"}),
        ]
        | None
    ) = None
    """Steps that must have succeeded before this one starts; each must be listed above it. Without it a step follows the one
    listed before it; `after: []` starts at once."""
    cpu: Cpu = "1"
    """CPU cores for this step, for example `2`, `500m` or, a fraction in quotes, `'0.5'`."""
    memory: Memory = "2Gi"
    """Memory for this step. Ray itself needs about 1Gi of it."""
    retries: int = Field(default=1, ge=0, le=10)
    """How often to try again after a failure. A lost machine or pod does not count."""
    timeout: Duration = "12h"
    """Longest time that one attempt may take, for example `30m`."""
    params: dict[EnvName, Scalar] = Field(default_factory=dict, max_length=50)
    """Parameters of the step: text, numbers or true/false. The command sees each as the environment variable
    `PARAM_<NAME>`, all of them as JSON in `SOLOIST_PARAMS`, and MLflow logs them."""
    env: Annotated[dict[EnvName, Text], FREE_NAMES] = Field(default_factory=dict, max_length=50)
    """Plain environment variables of this step alone. For secrets use the pipeline's `env`."""


Steps = Annotated[
    list[Step],
    Field(
        min_length=1,
        max_length=MAX_STEPS,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    ),
    *STEP_RULES,
]
EnvVars = Annotated[
    list[EnvVar],
    Field(
        max_length=50,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    ),
]


class History(Model):
    """How many finished Runs to keep. Models and MLflow runs stay whatever is removed here."""

    succeeded: int = Field(default=5, ge=1, le=100)
    """Succeeded Runs to keep."""
    failed: int = Field(default=3, ge=1, le=100)
    """Failed Runs to keep."""


class PipelineTemplate(Model):
    """The part of a pipeline that a Project embeds."""

    rules: ClassVar = (
        Rule(
            "!has(self.timeZone) || has(self.schedule)",
            "timeZone says where the schedule's clock hangs: set schedule too, or remove timeZone",
        ),
    )

    steps: Steps
    """The steps, in order. They share one Ray cluster, which is gone when the Run ends."""
    schedule: Schedule | None = None
    """When to start a Run by the clock, as a cron expression: minute, hour, day of month, month, day of week."""
    time_zone: TimeZone | None = None
    """Time zone of the schedule, for example `Europe/Berlin`. Without it the schedule is in UTC."""
    concurrency_policy: Literal["Forbid", "Replace", "Allow"] = "Forbid"
    """What happens when a Run is due while another still runs. `Forbid`: a scheduled one is left out, one by request
    waits its turn, and so does one for new code, unless the other has not begun: then it takes its place. `Replace`: the
    running one is deleted. `Allow`: both run."""
    starting_deadline: Duration = "1h"
    """How late a scheduled Run may still start, for example after the cluster was down."""
    history: History = Field(default_factory=History)
    """How many finished Runs to keep."""
    run_on_change: bool = True
    """Whether new code or changed steps start a Run at once. False leaves that to the schedule, or to a request by the annotation
    `soloist.dev/run`."""
    suspend: bool = False
    """True starts no new Run; status says what would start. A Run under way goes on."""


class PipelineSpec(PipelineTemplate):
    """What a pipeline runs."""

    source: Source
    """Where the code comes from. When it changes, a new Run starts."""
    runtime: Label | None = None
    """Name of one of the platform's runtimes (image with Ray and libraries). Without it the default one."""
    env: EnvVars = Field(default_factory=list)
    """Environment variables of every step, from values or Secrets."""
    storage: Storage = Field(default_factory=Storage)
    """Where steps keep data for one another."""
    model: ModelName | None = None
    """Name of the registered model in MLflow. Without it `<namespace>.<name of the pipeline>`."""
    service_account: ObjectName | None = None
    """ServiceAccount of the pods, for example one that a cloud's bucket trusts. Without it the namespace's default one. Its
    token is never mounted."""
    problem: str | None = Field(default=None, max_length=1000)
    """The problem in one sentence; describes the experiment in MLflow."""
    metric: str | None = Field(default=None, max_length=250)
    """MLflow metric to show beside each Run."""
    owner: str | None = Field(default=None, max_length=254)
    """Who answers for it; goes to MLflow with each run."""


class LastRun(Model):
    """The newest Run."""

    name: str
    """Its name: `kubectl get run <name>`."""
    phase: str
    """Pending, Running, Succeeded or Failed."""


class PipelineStatus(CommonStatus):
    """What the pipeline has done and will do."""

    last_run: LastRun | None = None
    """The newest Run."""
    last_run_number: int = 0
    """Number of the newest Run; numbers are never used again."""
    last_trigger: str | None = Field(default=None, max_length=200)
    """What started the newest Run by source: the digest of the code and the steps."""
    last_request: str | None = Field(default=None, max_length=200)
    """The last value of the annotation `soloist.dev/run` that was answered with a Run."""
    last_schedule_time: Time | None = None
    """The last time of the schedule that was answered (with a Run, or by leaving it out)."""
    next_schedule_time: Time | None = None
    """When the schedule starts the next Run."""
    active: list[str] = Field(default_factory=list, max_length=100)
    """Names of the Runs under way."""
    model: ModelVersion | None = None
    """Newest version that a Run of this pipeline registered."""
