"""Condition types and reasons, and the one way to set a condition."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from soloist.api.fields import Model, Time


class ConditionType(StrEnum):
    """What a condition speaks of. `Ready` is the verdict; the other two say why it is not (yet) true."""

    READY = "Ready"
    PROGRESSING = "Progressing"
    STALLED = "Stalled"


class Reason(StrEnum):
    """Why. Shared by conditions, events, logs and the `reason` label of metrics."""

    # all is well
    READY = "Ready"
    SUCCEEDED = "Succeeded"
    SUSPENDED = "Suspended"
    # under way
    PROGRESSING = "Progressing"
    RUNNING = "Running"
    DEPLOYING = "Deploying"
    FAILED_OVER = "FailedOver"
    ASLEEP = "Asleep"
    WAKING = "Waking"
    NO_MODEL = "NoModel"
    DELETING = "Deleting"
    # needs a change of the spec
    INVALID_SPEC = "InvalidSpec"
    NOT_OURS = "NotOurs"
    # heals when its cause goes
    CONFIG_MAP_MISSING = "ConfigMapMissing"
    SECRET_MISSING = "SecretMissing"
    SOURCE_UNREACHABLE = "SourceUnreachable"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    QUOTA_EXCEEDED = "QuotaExceeded"
    UNSCHEDULABLE = "Unschedulable"
    STORAGE_PENDING = "StoragePending"
    KUBERAY_MISSING = "KubeRayMissing"
    GATEWAY_API_MISSING = "GatewayApiMissing"
    NOT_EXPOSED = "NotExposed"
    MLFLOW_UNREACHABLE = "MLflowUnreachable"
    BASELINE_MISSING = "BaselineMissing"
    POD_FAILED = "PodFailed"
    REFUSED = "Refused"
    # how a step ended
    NON_ZERO_EXIT = "NonZeroExit"
    OUT_OF_MEMORY = "OutOfMemory"
    COMMAND_NOT_FOUND = "CommandNotFound"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    SUBMISSION_FAILED = "SubmissionFailed"
    DISRUPTED = "Disrupted"
    RUN_FAILED = "RunFailed"
    # ours
    INTERNAL_ERROR = "InternalError"


Status = Literal["True", "False", "Unknown"]


class Condition(Model):
    """One aspect of an object's state, as in every Kubernetes API."""

    type: str = Field(max_length=316)
    """Which aspect: Ready, Progressing or Stalled."""
    status: Status
    """True, False or Unknown."""
    reason: str = Field(max_length=1024)
    """One word for the cause, for programs."""
    message: str = Field(default="", max_length=32768)
    """One sentence for people: what, where, what to do next."""
    last_transition_time: Time
    """When `status` last changed."""
    observed_generation: int | None = None
    """The `metadata.generation` that this condition was computed from."""


def set_conditions(
    previous: Iterable[Condition], wanted: Iterable[Condition]
) -> tuple[Condition, ...]:
    """The wanted conditions, sorted by type, each keeping its transition time while its status stays.

    Without that a condition's time would move at each reconcile, and each reconcile would write.
    """
    before = {condition.type: condition for condition in previous}
    kept = (
        condition.model_copy(
            update={"last_transition_time": before[condition.type].last_transition_time}
        )
        if condition.type in before and before[condition.type].status == condition.status
        else condition
        for condition in wanted
    )
    return tuple(sorted(kept, key=lambda condition: condition.type))


def rfc3339(moment: datetime) -> str:
    """A moment as Kubernetes writes it: UTC, whole seconds, `Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """The moment that an RFC 3339 text names."""
    return datetime.fromisoformat(text)
