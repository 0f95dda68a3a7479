"""What one ModelEndpoint's gateway must do, as a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Rung = Literal["candidate", "champion", "previous", "baseline"]

# The serving pods' own limit: the gateway refuses the same bodies, before they cost a pod anything.
MOST_BODY_BYTES = 16 * 1024 * 1024
# Bodies up to this size are whole in memory before a pod is asked: a slow client keeps no pod waiting, and what a pod that
# died had of it can be sent again to another rung, and copied. Larger ones are passed on as they come.
MOST_BUFFERED_BYTES = 256 * 1024
# What one gateway may use; beyond it the kernel ends it.
MOST_MEMORY_BYTES = 192 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Backend:
    """The pods of one served version, and the rung of the ladder that they stand on."""

    version: str
    host: str
    """Name of the headless Service: each address behind it is one pod."""
    port: int
    rung: Rung


@dataclass(frozen=True, slots=True)
class Place:
    """Where the gateway listens, and where its files are."""

    address: str = "0.0.0.0"  # noqa: S104 - a pod listens on the pod's address
    port: int = 8080
    """For clients."""
    stats_port: int = 9901
    """`/ready` and `/stats/prometheus`, nothing else: for the kubelet, Prometheus and the operator."""
    admin_address: str = "127.0.0.1"
    """Envoy's admin API can stop the gateway and shows its keys, so it's for its own pod only."""
    admin_port: int = 9902
    folder: str = "/etc/soloist/gateway"
    """The mount of the ConfigMap with the files. It must be the whole mount, not a `subPath`: the kubelet swaps it by
    renaming a link in it, which is what is watched."""


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """Requests need one of the keys in a file, in `x-api-key` or as `Authorization: Bearer`."""

    folder: str
    """The mount of a Secret whose `api-keys.json` is what `keys.render` writes."""


@dataclass(frozen=True, slots=True)
class Jwt:
    """Requests need a signed token, as `Authorization: Bearer`."""

    issuer: str
    audiences: tuple[str, ...]
    """One of them must be the token's; empty: any audience."""
    folder: str
    """The mount that holds the issuer's public keys, `jwks.json`."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Clients speak TLS; a renewed certificate is taken up without a restart."""

    folder: str
    """The mount of a `kubernetes.io/tls` Secret: `tls.crt` and `tls.key`."""


@dataclass(frozen=True, slots=True)
class WaitingRoom:
    """A server beside the gateway that holds requests until the champion has a pod, and passes them on: Envoy itself would
    refuse them at once."""

    seconds: float
    """How long a request may wait for that."""
    port: int = 8081


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """All that a gateway's files are made from."""

    namespace: str
    name: str
    model: str
    champion: Backend
    fallbacks: tuple[Backend, ...] = ()
    """In the order in which they are tried: previous, then baseline."""
    candidate: Backend | None = None
    weight: int = 0
    """Percent of requests that the candidate answers."""
    shadow_percent: int = 0
    """Percent of requests that the candidate gets a copy of, its answer thrown away. Only while `weight` is 0: a
    request that the candidate answers anyway needs no copy."""
    sticky_header: str | None = None
    """Requests with the same value here go to the same version; without the header the split is by chance."""
    timeout_seconds: float = 15.0
    """From the request's last byte to its answer, all tries together."""
    try_timeout_seconds: float | None = None
    """One try. Left out: half of `timeout_seconds`, so that what a hanging pod took leaves the next as much."""
    max_body_bytes: int = MOST_BODY_BYTES
    rate_limit: int | None = None
    """Requests a second, per gateway pod; a second's worth may come at once."""
    max_connections: int = 1024
    """To the pods of one version."""
    max_pending: int = 1024
    """Requests that wait for such a connection."""
    max_requests: int = 1024
    """Requests that one version's pods work on at once."""
    retry_floor: float = 10.0
    """Retries a second that may fail too, beside a fifth of the requests (`gateway.budget`)."""
    waiting: WaitingRoom | None = None
    """Below the last rung, where the champion's pods may all be gone."""
    api_keys: ApiKeys | None = None
    jwt: Jwt | None = None
    tls: Tls | None = None
    drain_seconds: int = 10
    """How long a stopping gateway goes on taking requests: until every node has heard that it's gone."""
    workers: int = 1
    place: Place = field(default_factory=Place)

    def __post_init__(self) -> None:
        """A plan that Envoy couldn't follow is a mistake of the caller, found where it is made."""
        versions = [one.version for one in self.backends]
        if len(set(versions)) != len(versions):
            raise ValueError(f"A version stands on one rung only: {', '.join(versions)}.")
        if self.candidate is None and (self.weight or self.shadow_percent):
            raise ValueError("There is no candidate to send requests to.")
        if not (0 <= self.weight <= 100 and 0 <= self.shadow_percent <= 100):
            raise ValueError("A percentage lies between 0 and 100.")

    @property
    def backends(self) -> tuple[Backend, ...]:
        """Every version that has pods: the candidate, then the ladder."""
        return (*((self.candidate,) if self.candidate else ()), *self.ladder)

    @property
    def ladder(self) -> tuple[Backend, ...]:
        """Who answers, in the order in which they are asked."""
        return (self.champion, *self.fallbacks)

    @property
    def longest_seconds(self) -> float:
        """From a request's last byte to its answer, the wait for a first pod included."""
        return self.timeout_seconds + (self.waiting.seconds if self.waiting else 0)

    @property
    def try_timeout(self) -> float:
        """One try's share of the time."""
        return self.try_timeout_seconds or self.timeout_seconds / 2
