"""What stands between clients and the pods of an endpoint, as far as its user decides it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from soloist.api.fields import Duration, Model


class Gateway(Model):
    """The endpoint's gateway: it spreads requests over the pods, and tries again elsewhere what a pod did not answer."""

    replicas: int = Field(default=2, ge=1, le=20)
    """Pods of the gateway. With two or more, a lost one is not noticed."""
    timeout: Duration = "15s"
    """Longest time from a request to its answer, all tries together."""
    rate_limit: int | None = Field(default=None, ge=1, le=1_000_000)
    """Requests a second that the endpoint takes; more are answered with 429. Each pod of the gateway lets its share through.
    Without it there is no limit."""


Rung = Literal["previous", "baseline"]
