"""What stands between clients and the pods of an endpoint, as far as its user decides it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from soloist.api.fields import Duration, Model
from soloist.api.v1alpha1.access import Auth, Expose, GatewayTls


class Gateway(Model):
    """The endpoint's gateway: it spreads requests over the pods, and tries again elsewhere what a pod did not answer."""

    replicas: int = Field(default=2, ge=1, le=20)
    """Pods of the gateway. With two or more, a lost one is not noticed."""
    timeout: Duration = "15s"
    """Longest time from a request to its answer, all tries together."""
    rate_limit: int | None = Field(default=None, ge=1, le=1_000_000)
    """Requests a second that the endpoint takes; more are answered with 429. Each pod of the gateway lets its share through.
    Without it there is no limit."""
    auth: Auth | None = None
    """Who may ask. Without it anyone who reaches the endpoint."""
    tls: GatewayTls | None = None
    """TLS between clients and the endpoint: its Service then listens on 443 instead of 80."""
    expose: Expose | None = None
    """How clients outside of the cluster reach the endpoint. Without it they don't."""


Rung = Literal["previous", "baseline"]
