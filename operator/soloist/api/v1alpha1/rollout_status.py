"""What is remembered of a rollout: enough to go on after a crash, and the evidence for what was decided."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from soloist.api.fields import Model, Time

Verdict = Literal["Pass", "Fail", "NotEnoughData"]
StageKind = Literal[
    "Deploying", "Shadow", "Canary", "Paused", "Swapping", "Promoted", "Aborted", "Withdrawn"
]
AbortReason = Literal["GateFailed", "PodsFailed", "Timeout", "ByHand", "Sick", "Withdrawn"]
AskedBy = Literal["Candidate", "ChampionAlias", "Promote", "Rollback", "Retry"]
MAX_REFUSED = 20
MAX_EVIDENCE = 16


class Evidence(Model):
    """What a gate found in the current stage, or in the last one that was judged."""

    gate: str = Field(max_length=63)
    """The gate: errorRate, latency, invalid, disagreement, pods, or the name of a query."""
    verdict: Verdict
    """Pass, Fail or NotEnoughData. Only numbers lead to the first two."""
    value: float | None = None
    """The new version's number: a percentage, milliseconds, or what a query gave."""
    champion: float | None = None
    """The champion's number in the same time."""
    n: int = 0
    """Requests (or comparisons, or restarts) of the new version that it rests on."""
    threshold: float | None = None
    """The number that the value was held against."""
    message: str = Field(default="", max_length=512)
    """The same in words."""


class RolloutStatus(Model):
    """The rollout under way, or how the last one ended."""

    version: str = Field(max_length=32)
    """The version that is rolled out."""
    stage: StageKind = "Deploying"
    """Deploying (its pods start), Shadow, Canary, Paused (waits for an approval), Swapping (takes the champion's place pod by
    pod), Promoted, Aborted, or Withdrawn (its alias was taken away)."""
    step: int = Field(default=0, ge=0, le=10)
    """Which entry of `canary`, from 0."""
    weight: int = Field(default=0, ge=0, le=100)
    """Percentage of the requests that it answers."""
    since: Time
    """When the stage was decided."""
    live_since: Time | None = None
    """When the gateway was first seen to route as the stage wants; durations and numbers count from here."""
    judged_time: Time | None = None
    """When the evidence was last written."""
    asked_by: AskedBy = "Candidate"
    """What brought it: the alias Candidate, or a person through the alias champion (ChampionAlias), the annotations
    `soloist.dev/promote` (Promote), `soloist.dev/rollback` (Rollback) or `soloist.dev/retry` (Retry). A version that a person chose by one of
    the middle three is promoted when its pods are ready, without gates."""
    in_place: bool = False
    """True where there is no room for two versions beside each other."""
    surge: int = Field(default=0, ge=0, le=1000)
    """Pods beyond the endpoint's own that an exchange in place may use."""
    pods: int = Field(default=0, ge=0, le=100)
    """Pods that the champion had when an exchange in place began: as many as the version must have in the end."""
    evidence: list[Evidence] = Field(
        default_factory=list,
        max_length=MAX_EVIDENCE,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["gate"]},
    )
    """Verdict of each gate."""
    reason: AbortReason | None = None
    """Why it ended without a promotion."""
    message: str = Field(default="", max_length=1024)
    """The same in words."""


class Refused(Model):
    """A version that is not tried again by itself."""

    version: str = Field(max_length=32)
    """The version."""
    time: Time
    """When it was refused."""
    reason: AbortReason
    """GateFailed, PodsFailed, Timeout, ByHand (someone rolled it back) or Sick (its pods failed after it was promoted)."""
    message: str = Field(default="", max_length=512)
    """The numbers that it was refused for."""


class Answered(Model):
    """The annotations that were answered, so that each is obeyed once."""

    retry: str | None = Field(default=None, max_length=63)
    """Last value of `soloist.dev/retry`."""
    rollback: str | None = Field(default=None, max_length=63)
    """Last value of `soloist.dev/rollback`."""
    promote: str | None = Field(default=None, max_length=63)
    """Last value of `soloist.dev/promote`."""


class RolloutRecord(Model):
    """Everything that was decided: written first, acted on afterwards, from here alone."""

    champion: str | None = Field(default=None, max_length=32)
    """The version that answers what the rollout leaves."""
    previous: str | None = Field(default=None, max_length=32)
    """The champion before it."""
    rollout: RolloutStatus | None = None
    """The rollout under way, or how the last one ended."""
    refused: list[Refused] = Field(
        default_factory=list,
        max_length=MAX_REFUSED,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    """Versions that are not tried again by themselves, newest last. `soloist.dev/retry` takes one off the list."""
    champion_alias: str | None = Field(default=None, max_length=32)
    """Where MLflow's alias `champion` was last seen. It tells a person's hand from our own change that is still due."""
    answered: Answered = Field(default_factory=Answered)
    """The annotations that were answered."""
