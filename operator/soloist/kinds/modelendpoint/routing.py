"""What the gateway must do, from what was decided."""

from __future__ import annotations

from soloist.api.amounts import duration_value
from soloist.api.platform import Platform
from soloist.api.v1alpha1.modelendpoint import PinnedVersion
from soloist.gateway.plan import Backend, GatewayPlan, Rung, WaitingRoom
from soloist.kinds.modelendpoint import access, lowest, names
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.rollout.records import active

# Of retries that fail as well, beside a fifth of the requests; each pod of the gateway has its share.
RETRIES_EACH_SECOND = 10
# In these stages requests, or copies of them, reach the version under rollout.
ROUTED = ("Shadow", "Canary", "Paused", "Swapping")


def plan(endpoint: Endpoint, platform: Platform) -> GatewayPlan | None:
    """None before there is a version to send requests to."""
    record, rollout = endpoint.status.release, active(endpoint.status.release)
    first = rollout.version if rollout is not None else None
    champion = record.champion or first
    if champion is None or pinned(endpoint, champion) is None:
        return None
    is_routed = rollout is not None and record.champion is not None and rollout.stage in ROUTED
    candidate = rollout.version if rollout is not None and is_routed else None
    gateway = endpoint.spec.gateway
    return GatewayPlan(
        namespace=endpoint.namespace,
        name=endpoint.name,
        model=endpoint.spec.model,
        champion=_backend(endpoint, champion, "champion", platform),
        fallbacks=_fallbacks(endpoint, (candidate, champion), platform),
        candidate=_backend(endpoint, candidate, "candidate", platform) if candidate else None,
        weight=rollout.weight if rollout is not None and candidate else 0,
        shadow_percent=100 if candidate and rollout and rollout.stage == "Shadow" else 0,
        sticky_header=endpoint.spec.rollout.sticky if endpoint.spec.rollout else None,
        timeout_seconds=duration_value(gateway.timeout).total_seconds(),
        waiting=_waiting(endpoint),
        rate_limit=_share(gateway.rate_limit, gateway.replicas),
        retry_floor=RETRIES_EACH_SECOND / gateway.replicas,
        api_keys=access.api_keys(gateway),
        jwt=access.jwt(gateway),
        tls=access.tls(gateway),
    )


def ladder(endpoint: Endpoint) -> dict[str, Rung]:
    """The versions below the champion that are kept running for it. One that is both stands on the upper rung."""
    rungs: dict[str, Rung] = {}
    previous, lowest_version = endpoint.status.release.previous, lowest.version(endpoint)
    if previous is not None and "previous" in endpoint.spec.failover:
        rungs[previous] = "previous"
    if lowest_version is not None and endpoint.status.release.champion is not None:
        rungs.setdefault(lowest_version, "baseline")
    return {version: rung for version, rung in rungs.items() if pinned(endpoint, version)}


def _fallbacks(
    endpoint: Endpoint, asked_before: tuple[str | None, ...], platform: Platform
) -> tuple[Backend, ...]:
    versions = tuple(
        _backend(endpoint, version, rung, platform)
        for version, rung in ladder(endpoint).items()
        if version not in asked_before
    )
    if not lowest.is_constant(endpoint):
        return versions
    host = names.baseline_host(endpoint, platform)
    return (*versions, Backend(names.CONSTANT, host, names.SERVER_PORT, "baseline"))


def pinned(endpoint: Endpoint, version: str | None) -> PinnedVersion | None:
    """The version as it was resolved."""
    return next((one for one in endpoint.status.versions if one.version == version), None)


def _backend(endpoint: Endpoint, version: str, rung: Rung, platform: Platform) -> Backend:
    return Backend(version, names.host(endpoint, version, platform), names.SERVER_PORT, rung)


def _waiting(endpoint: Endpoint) -> WaitingRoom | None:
    replicas = endpoint.spec.replicas
    if replicas.min > 0:
        return None
    return WaitingRoom(seconds=duration_value(replicas.wake_timeout).total_seconds())


def _share(limit: int | None, replicas: int) -> int | None:
    """Rounded up: what one gateway can't count, another may have let through."""
    return None if limit is None else -(-limit // replicas)
