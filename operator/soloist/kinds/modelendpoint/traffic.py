"""How requests go: what the gateways count, as a rollout's gates read it, and who answers now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate

from soloist.core.tally import is_ready
from soloist.gateway.files import files, versions
from soloist.gateway.plan import GatewayPlan
from soloist.gateway.readings import Reading
from soloist.gateway.readings import Tally as Counted
from soloist.gateway.telemetry import BUCKETS_US
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.rollout.readings import Arms, ArmWindow, Histogram, Tally

_BOUNDS = tuple(one / 1000 for one in BUCKETS_US)


@dataclass(frozen=True, slots=True)
class Memory:
    """What was counted since a stage began; of another stage it is worth nothing."""

    stage: str
    tally: Tally = field(default_factory=Tally)
    since: datetime | None = None
    """When the count began, which for an operator that started anew is later than the stage."""
    asked: datetime | None = None
    """When the champion's pods were last asked to send kept requests again."""


def is_live(plan: GatewayPlan | None, facts: EndpointFacts) -> bool:
    """Whether every pod of the gateway that runs follows the plan's files. Where none runs, nothing is routed at all."""
    if plan is None:
        return not facts.gateway_pods
    wanted = versions(files(plan))
    running = {
        pod["metadata"]["name"]
        for pod in facts.gateway_pods
        if (pod.get("status") or {}).get("phase", "Running") == "Running"
    }
    return running <= facts.readings.keys() and all(
        reading.is_live(wanted) for pod, reading in facts.readings.items() if pod in running
    )


def is_behind(plan: GatewayPlan | None, facts: EndpointFacts) -> bool:
    """Whether a pod of the gateway could follow the plan's files and doesn't. While something of the user's is missing, none
    can, however often they look."""
    return not is_live(plan, facts) and not facts.absent


def count(plan: GatewayPlan | None, stage: str, facts: EndpointFacts) -> Memory | None:
    """What both versions did since the stage began, one look further. None where no candidate is routed."""
    if plan is None or plan.candidate is None:
        return None
    before = facts.memory
    if not isinstance(before, Memory) or before.stage != stage:
        before = Memory(stage, since=facts.now)
    gateways = {pod: _arms(plan, reading) for pod, reading in facts.readings.items()}
    tally = before.tally.look({**gateways, **_servers(plan, facts)})
    return replace(before, tally=tally)


def _servers(plan: GatewayPlan, facts: EndpointFacts) -> dict[str, Arms]:
    """What the serving pods counted that no gateway sees: each speaks for its version's arm, a third version's for none."""
    assert plan.candidate is not None
    versions = {
        pod["metadata"]["name"]: version for version, pods in facts.pods.items() for pod in pods
    }
    found = {}
    for pod, counts in facts.counts.items():
        if versions.get(pod) == plan.candidate.version:
            found[pod] = Arms(
                candidate=ArmWindow(
                    invalid=counts.invalid,
                    compared=counts.compared,
                    disagreed=counts.disagreed,
                    score_distance_sum=counts.distance_sum,
                )
            )
        elif versions.get(pod) == plan.champion.version:
            found[pod] = Arms(champion=ArmWindow(invalid=counts.invalid, replayed=counts.replayed))
    return found


def kept_left(plan: GatewayPlan | None, memory: Memory | None, facts: EndpointFacts) -> int | None:
    """Over the champion's pods. None before they were asked for any: they tell only what was so at the last time."""
    if plan is None or memory is None or memory.asked is None:
        return None
    pods = (pod["metadata"]["name"] for pod in facts.pods.get(plan.champion.version, ()))
    told = [facts.counts[pod].kept_left for pod in pods if pod in facts.counts]
    return sum(told) if told else None


def _arms(plan: GatewayPlan, reading: Reading) -> Arms:
    assert plan.candidate is not None
    version = plan.candidate.version
    candidate = reading.attempts(version) if plan.weight else reading.shadow(version)
    champion = reading.attempts(plan.champion.version)
    return Arms(_window(champion), _window(candidate))


def _window(counted: Counted) -> ArmWindow:
    return ArmWindow(
        requests=counted.requests,
        errors=counted.errors,
        latency=_cumulative(counted.milliseconds),
    )


def _cumulative(counts: Mapping[float, int]) -> Histogram:
    """The counts over the gateway's bounds: each goes to the first bound that is not below its own."""
    bounds = _BOUNDS
    each = [0] * len(bounds)
    total, position = 0, 0
    for limit, number in sorted(counts.items()):
        total += number
        while position < len(bounds) and bounds[position] < limit:
            position += 1
        if position < len(bounds):
            each[position] += number
    return Histogram(bounds, tuple(accumulate(each)), total)


def rung(plan: GatewayPlan | None, facts: EndpointFacts) -> str | None:
    """Who answers what is not the candidate's: the first rung that any gateway sees a healthy pod on. None: not known.

    Each gateway probes for itself, and they find a first pod up to seconds apart. "none" while only one of those that
    clients reach has found it: what says that somebody answers must be true of every request.
    """
    if plan is None or not facts.readings:
        return None
    seen = {pod: _first_rung(plan, reading) for pod, reading in facts.readings.items()}
    reached = (pod["metadata"]["name"] for pod in facts.gateway_pods if is_ready(pod))
    # With a waiting room, what one gateway can't answer yet it holds.
    if plan.waiting is None and any(seen.get(pod) == "none" for pod in reached):
        return "none"
    return min(seen.values(), key=[*(one.rung for one in plan.ladder), "none"].index)


def _first_rung(plan: GatewayPlan, reading: Reading) -> str:
    for backend in plan.ladder:
        one = reading.pods(backend.version)
        if one.healthy > one.ejected:
            return backend.rung
    return "none"
