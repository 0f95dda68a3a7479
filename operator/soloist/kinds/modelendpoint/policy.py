"""Which version should be served, and when the change is made.

Record, then act, as everywhere: what is decided about versions is first written to status, with the artifact that each was
resolved to, and the children are made from status alone. So nothing in the registry, nor its absence, changes what is served
behind the status' back. The decisions themselves are `soloist.rollout`'s; here the world is put into its words.
"""

from __future__ import annotations

from datetime import datetime

from soloist.api.conditions import parse_time, rfc3339
from soloist.api.platform import Platform
from soloist.api.v1alpha1.modelendpoint import ModelEndpointStatus, PinnedVersion
from soloist.api.v1alpha1.rollout_status import RolloutRecord
from soloist.core.effects import Effect, RegisteredVersion
from soloist.core.objects import Manifest
from soloist.core.tally import condition, out_of_memory_at, ready_pods, ready_replicas
from soloist.gateway.plan import GatewayPlan
from soloist.kinds.modelendpoint import (
    baseline,
    lowest,
    names,
    routing,
    scaling,
    shown,
    sleep,
    traffic,
)
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.rollout.decision import Decision, decide
from soloist.rollout.machine import advance as decide_next
from soloist.rollout.records import active
from soloist.rollout.world import Live, Pods, Registry, World


def advance(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> ModelEndpointStatus:
    """What is decided about versions, one step further."""
    status = endpoint.status
    before = status.release
    record = decide_next(endpoint.spec.rollout, before, world(endpoint, facts, platform), facts.now)
    versions = _pins(endpoint, record, facts, platform)
    by_version = {one.version: one for one in versions}
    rollout = active(record)
    changed = record.champion != before.champion
    return status.model_copy(
        update={
            "release": record,
            "versions": list(versions),
            "served": by_version.get(record.champion or ""),
            "target": by_version.get(rollout.version) if rollout is not None else None,
            "weight": rollout.weight if rollout is not None and record.champion else None,
            "baseline": baseline.pin(endpoint, facts),
            "rollout": shown.rollout(record),
            "last_verdict": shown.last_verdict(record),
            "last_change_time": rfc3339(facts.now) if changed else status.last_change_time,
            "activity": sleep.advance(endpoint, facts),
            **_rung(endpoint, facts, platform),
        }
    )


def world(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> World:
    """Everything that was seen, in the words of `soloist.rollout`."""
    plan = routing.plan(endpoint, platform)
    memory = traffic.count(plan, stage(endpoint), facts)
    return World(
        replicas=scaling.capacity(endpoint, facts),
        registry=_registry(endpoint, facts, platform),
        pods={
            version: _pods(deployment, facts.pods.get(version, ()))
            for version, deployment in facts.deployments.items()
        },
        readings=memory.tally.total if memory is not None else None,
        kept_left=traffic.kept_left(plan, memory, facts),
        queries=facts.queries,
        room=facts.room,
        annotations=endpoint.metadata.annotations,
        live=_live(plan, facts),
    )


def stage(endpoint: Endpoint) -> str:
    """Whose numbers they are: each stage's own, from when it was live. A pause goes on with those of its step."""
    rollout = active(endpoint.status.release)
    if rollout is None:
        return ""
    return f"{rollout.version} {rollout.live_since}"


def decision(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> Decision:
    """What the recorded decisions ask for."""
    return decide(endpoint.status.release, world(endpoint, facts, platform))


def promotion(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> tuple[Effect, ...]:
    """What the registry has to learn."""
    return decision(endpoint, facts, platform).effects


def wanted_pods(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> dict[str, int]:
    """Version → pods. One that nobody needs any more stays until no gateway can send it a request."""
    pods = {
        version: number
        for version, number in decision(endpoint, facts, platform).pods
        if routing.pinned(endpoint, version) is not None
    }
    for version in routing.ladder(endpoint):
        pods.setdefault(version, 1)
    if not traffic.is_live(routing.plan(endpoint, platform), facts):
        for version, deployment in facts.deployments.items():
            if routing.pinned(endpoint, version) is not None:
                pods.setdefault(version, scaling.asked_for(deployment))
    return dict.fromkeys(pods, 0) if sleep.is_asleep(endpoint) else pods


def _registry(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> Registry | None:
    """An alias of a version that can't be served (it was deleted, or no image is known for it) asks for nothing."""
    if facts.model is None:
        return None
    known = {one.version for one in endpoint.status.versions}
    if platform.runtime(endpoint.spec.runtime) is not None:
        known |= {one.version for one in facts.model.versions}
    aliases = {name: one for name, one in facts.model.aliases.items() if one in known}
    return Registry(facts.model.name, aliases, frozenset(known))


def _pods(deployment: Manifest, pods: tuple[Manifest, ...]) -> Pods:
    return Pods(
        wanted=int((deployment.get("status") or {}).get("replicas", 0)),
        ready=ready_replicas(deployment),
        restarts=sum(_restarts(pod) for pod in pods),
        out_of_memory=sum(
            out_of_memory_at(pod, names.SERVER_CONTAINER) is not None for pod in pods
        ),
        failing_since=_failing_since(deployment),
    )


def _restarts(pod: Manifest) -> int:
    told = (pod.get("status") or {}).get("containerStatuses") or ()
    return sum(int(one.get("restartCount", 0)) for one in told)


def _failing_since(deployment: Manifest) -> datetime | None:
    available = condition(deployment, "Available")
    if available is None or available["status"] == "True" or ready_pods(deployment):
        return None
    since = available.get("lastTransitionTime")
    return parse_time(since) if since else None


def _live(plan: GatewayPlan | None, facts: EndpointFacts) -> Live | None:
    """How the gateways route: as the plan says, once all of them follow it; before that nobody can say."""
    if plan is None or not facts.readings or not traffic.is_live(plan, facts):
        return None
    candidate = plan.candidate.version if plan.candidate is not None else None
    weights = {plan.champion.version: 100 - plan.weight}
    if candidate is not None:
        weights[candidate] = plan.weight
    return Live(weights, candidate if plan.shadow_percent else None)


def _pins(
    endpoint: Endpoint, record: RolloutRecord, facts: EndpointFacts, platform: Platform
) -> tuple[PinnedVersion, ...]:
    """Each version that has or will have pods, resolved once."""
    rollout = active(record)
    target = rollout.version if rollout is not None else None
    named = (record.champion, record.previous, target, lowest.version(endpoint))
    needed = dict.fromkeys((*(one for one in named if one), *sorted(facts.deployments)))
    pins = (_pin(endpoint, version, facts, platform) for version in needed)
    return tuple(one for one in pins if one is not None)


def _pin(
    endpoint: Endpoint, version: str, facts: EndpointFacts, platform: Platform
) -> PinnedVersion | None:
    known = routing.pinned(endpoint, version)
    runtime = platform.runtime(endpoint.spec.runtime)
    if known is not None or runtime is None or facts.model is None:
        return known
    found: RegisteredVersion | None = next(
        (one for one in facts.model.versions if one.version == version), None
    )
    if found is None:
        return None
    return PinnedVersion(
        name=endpoint.spec.model,
        version=version,
        artifact=found.artifact,
        image=runtime.image,
    )


def _rung(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> dict[str, str | None]:
    """Who answers; what was seen last where no gateway can be asked."""
    status, seen = endpoint.status, traffic.rung(routing.plan(endpoint, platform), facts)
    is_away = seen == "none" and sleep.tell(endpoint, status.activity, facts.now)
    if seen is None or seen == status.rung or is_away:
        return {}
    return {"rung": seen, "rung_time": rfc3339(facts.now)}
