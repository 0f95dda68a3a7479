"""How a new version earns its traffic: the policy, as a data scientist writes it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from soloist.api.fields import Duration, Label, Model
from soloist.api.forms import Form, Rule

MAX_STEPS = 10
_NEXT = f"[{', '.join(str(position) for position in range(MAX_STEPS - 1))}]"
INCREASING = Rule(
    f"{_NEXT}.all(i, i + 1 >= self.size() || self[i] < self[i + 1])",
    "the percentages of a canary must rise: write them in order, each larger than the one before, such as [10, 50]",
)
Percent = Annotated[int, Field(ge=1, le=99)]
Percents = Annotated[
    list[Percent],
    Field(max_length=MAX_STEPS, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
]
HeaderName = Annotated[
    str,
    Field(max_length=128),
    Form(
        "the name of an HTTP header: use letters, digits and '-', such as x-traveller-id",
        (r"^[A-Za-z0-9][A-Za-z0-9-]*$",),
    ),
]


class Shadow(Model):
    """How long the new version gets copies of the requests while its answers are thrown away. Without either field 300
    requests."""

    rules: ClassVar = (
        Rule(
            "!has(self.requests) || !has(self.duration)",
            "a shadow ends after a number of requests or after a time: keep one of requests and duration, remove the"
            " other",
        ),
    )

    requests: int | None = Field(default=None, ge=0, le=10_000_000)
    """Requests to copy before the first client gets an answer of the new version. `0` leaves the shadow out."""
    duration: Duration | None = None
    """Time for which requests are copied, for example `10m`."""


class Replay(Model):
    """Kept requests, for a new version that hardly anybody asks."""

    requests: int = Field(default=500, ge=100, le=10_000)
    """How many of the newest requests each pod keeps: in its memory, at most 8 MiB of them and none above 64 KiB, never on a disk,
    and gone with the pod."""


class RateGate(Model):
    """A share of the answers that must stay small."""

    at_most: float = Field(default=0.3, ge=0.01, le=100)
    """Percentage that is tolerated whatever the champion does. A version fails when its share is surely above this and surely
    above the champion's share in the same time. `100` switches the gate off."""


class DisagreementGate(Model):
    """How often the new version may answer differently from the champion."""

    at_most: float = Field(ge=0.01, le=100)
    """Percentage of compared answers that may differ. Two answers agree when everything in them does: numbers within 1 % of the
    champion's or 0.000001, whole numbers, texts and the rest when they are equal."""


class LatencyGate(Model):
    """How slow the new version may be, against the champion in the same time."""

    quantile: float = Field(default=99, ge=50, le=99.9)
    """Which quantile of latency to compare, in percent: `99` is p99. The median and p90 are compared too, which shows a
    version that is slower throughout much sooner."""
    ratio: float = Field(default=1.5, ge=1, le=100)
    """How many times the champion's latency is tolerated, at least 5 ms more than it."""
    at_most: Duration | None = None
    """Latency that is tolerated whatever the champion does, for example `250ms`. Without it only the ratio counts."""


class QueryGate(Model):
    """A number of your own, read from Prometheus."""

    rules: ClassVar = (
        Rule(
            "has(self.atMost) != has(self.atLeast)",
            "a query needs exactly one of atMost or atLeast: keep one and remove the other",
        ),
    )

    name: Label
    """Name of the gate in status."""
    promql: str = Field(min_length=1, max_length=2048)
    """Query in PromQL that gives one number. Write it over a range such as `[1m]`, because its first value beyond the bound
    fails the version. `$version` stands for the new version, `$champion` for the champion."""
    at_most: float | None = None
    """Largest value that passes."""
    at_least: float | None = None
    """Smallest value that passes."""


class Gates(Model):
    """What a new version must not do worse than the champion. Each gate says Pass, Fail or NotEnoughData."""

    error_rate: RateGate = Field(default_factory=RateGate)
    """Requests answered with an error of the server (5xx, or no answer)."""
    latency: LatencyGate = Field(default_factory=LatencyGate)
    """Time to answer."""
    invalid: RateGate = Field(default_factory=RateGate)
    """Answers that hold NaN or an infinite number, or don't fit the model's signature."""
    disagreement: DisagreementGate | None = None
    """Answers that differ from the champion's to the same request, counted in the shadow. Without it they are not judged."""
    queries: list[QueryGate] = Field(
        default_factory=list,
        max_length=10,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    """Numbers of your own from Prometheus."""


class Rollout(Model):
    """How a new version takes over: shadow, canary, promotion; or back, at the first gate that fails. `rollout: {}` is enough."""

    rules: ClassVar = (
        Rule(
            "!has(self.pauseAt) || !has(self.canary) || self.pauseAt.all(p, p in self.canary)",
            "pauseAt may only name percentages of canary: add them there, or correct them here",
            field=".pauseAt",
        ),
        Rule(
            "!has(self.gates) || !has(self.gates.disagreement) || !has(self.shadow)"
            " || !has(self.shadow.requests) || self.shadow.requests > 0",
            "answers are compared in the shadow, and this rollout has none: let shadow have requests, or remove"
            " disagreement",
            field=".gates",
        ),
        Rule(
            "!has(self.replay) || !has(self.shadow) || !has(self.shadow.requests) || self.shadow.requests > 0",
            "kept requests are asked again in the shadow, and this rollout has none: let shadow have requests, or remove replay",
            field=".replay",
        ),
    )

    shadow: Shadow = Field(default_factory=Shadow)
    """Copies of requests first, so that a bad version harms nobody."""
    replay: Replay | None = None
    """What to do where traffic is too thin for a verdict. `replay: {}`: the champion's pods keep the newest requests in memory, and a
    shadow that would take longer than two minutes is fed with them, each once. The model is asked these again, so it must not
    matter that it is. Without it nothing is kept, and a thin shadow waits."""
    canary: Annotated[Percents, INCREASING] = Field(default_factory=lambda: [10, 50])
    """Percentages of the requests that the new version answers, step by step. After the last one it answers all. An empty
    list goes from the shadow to all at once."""
    step_duration: Duration = "1m"
    """Shortest time for each step of the canary. A step ends when it is over and every gate says Pass."""
    sticky: HeaderName | None = None
    """Header whose value decides which version answers, so that the same client stays with the same version."""
    gates: Gates = Field(default_factory=Gates)
    """What the new version is judged by, in the shadow and at each step."""
    min_requests: int = Field(default=100, ge=1, le=10_000_000)
    """Requests that the new version must have answered in a stage before it can pass it."""
    timeout: Duration = "1h"
    """How long a stage may lack data for its verdict."""
    on_timeout: Literal["Wait", "Abort"] = "Wait"
    """What happens then. `Wait`: the stage goes on, and status says what is missing. `Abort`: the champion gets everything
    back; the version is not tried again. Lack of data never passes a version."""
    pause_at: Percents = Field(default_factory=list)
    """Percentages after which a person decides: the rollout goes on once the annotation `soloist.dev/approve` has the version's
    number. The gates go on watching."""
    max_surge: int | None = Field(default=None, ge=0, le=100)
    """Most pods that a rollout may have beside the champion's. Where the new version's pods don't fit, it takes the champion's
    place pod by pod, without shadow and canary; status says so beforehand. Without it the quota alone decides."""
