"""How many pods serve a model: always the same, as many as the load needs, or none while nobody asks."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from soloist.api.fields import Duration, Model, Time
from soloist.api.forms import Rule


class Replicas(Model):
    """How many pods serve the model."""

    rules: ClassVar = (
        Rule(
            "!has(self.max) || !has(self.min) || self.max >= self.min",
            "max of replicas is less than min: raise max, or lower min",
            field=".max",
        ),
    )

    min: int = Field(default=1, ge=0, le=100)
    """Fewest pods that serve the model. With two or more, a lost machine or pod is not noticed. `0` lets the pods go while nobody
    asks: the next request wakes one and waits for it."""
    max: int | None = Field(default=None, ge=1, le=100)
    """Most pods that serve the model. When it is more than `min`, their number follows the load: up within seconds, down after
    five quiet minutes. Without it there are `min` pods, or one where `min` is 0."""
    in_flight: int = Field(default=4, ge=1, le=128)
    """Requests that one pod should work on at once; with more, pods are added. It counts where the platform scales by requests;
    elsewhere pods are added above 80 % of their `cpu`."""
    idle_after: Duration = "10m"
    """How long nobody must have asked before the pods go. Only with `min: 0`."""
    wake_timeout: Duration = "1m"
    """Longest time that a request waits for the first pod. Only with `min: 0`."""

    @property
    def least(self) -> int:
        """Pods while the endpoint is awake, at least."""
        return max(1, self.min)

    @property
    def most(self) -> int:
        """And at most."""
        return max(self.least, self.max or 0)

    @property
    def is_elastic(self) -> bool:
        """Whether their number follows the load."""
        return self.most > self.least


class Activity(Model):
    """What is remembered of the requests, to know when nobody asks any more."""

    last_request_time: Time
    """When a request was last noticed; written now and then, so it may be a minute late."""
    requests: int = Field(default=0, ge=0)
    """Requests that the gateways had counted then."""
    asleep_since: Time | None = None
    """Since when the endpoint has no pods, because nobody asked."""
    waking_since: Time | None = None
    """Since when its first pod starts, because somebody asked again."""
