"""What a ModelEndpoint says of itself: what is served, what comes next, and what stands in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from soloist.api.conditions import Reason
from soloist.api.platform import Platform
from soloist.api.v1alpha1.modelendpoint import ModelEndpointStatus, PinnedVersion
from soloist.core.effects import Problem
from soloist.core.kind import Summary
from soloist.core.objects import Manifest
from soloist.core.outcome import Done, Failed, Outcome, Stalled, Waiting, worst
from soloist.core.tally import deployment_problem, pod_problem, ready_pods
from soloist.kinds.conditions import Verdict, conditions
from soloist.kinds.modelendpoint import (
    access,
    baseline,
    batch,
    exposure,
    optimized,
    policy,
    replay,
    routing,
    scaling,
    sleep,
    traffic,
)
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.kinds.problems import runtime_missing
from soloist.rollout.machine import next_look
from soloist.rollout.sentences import render

# How soon a gateway is asked again whether it follows its new files.
FOLLOWING = timedelta(seconds=1)
# Anybody but the champion.
FALLBACKS = ("previous", "baseline")


def summarize(
    endpoint: Endpoint, facts: EndpointFacts, platform: Platform, outcomes: tuple[Outcome, ...]
) -> Summary:
    """The status now; the registry tells no one when an alias moves, so it is looked at again and again."""
    versions = policy.advance(endpoint, facts, platform)
    outcome = worst(outcomes)
    ready = _ready(facts, versions.served)
    versions = versions.model_copy(
        update={"optimized": optimized.report(endpoint, versions, facts)}
    )
    verdict = _verdict(endpoint, facts, platform, versions, ready, outcome)
    status = versions.model_copy(
        update={
            "observed_generation": endpoint.metadata.generation,
            "url": exposure.url(endpoint, facts),
            "ready_replicas": ready,
            "batch": batch.status(endpoint, facts.batch),
            "summary": verdict.message,
            "conditions": conditions(endpoint, verdict, facts.now),
        }
    )
    again = Done(again=_next_look(endpoint, facts, platform, versions))
    memory = traffic.count(routing.plan(endpoint, platform), policy.stage(endpoint), facts)
    if memory is not None and replay.asks(endpoint, facts, platform):
        memory = replace(memory, asked=facts.now)
    doors = sleep.doors(versions.activity, facts)
    return Summary(status, worst((outcome, again)), doors, memory)


def _next_look(
    endpoint: Endpoint, facts: EndpointFacts, platform: Platform, versions: ModelEndpointStatus
) -> timedelta:
    """Soon while the gateways don't follow yet, or clients may be harmed by a new version."""
    plan = routing.plan(endpoint, platform)
    if plan is not None and facts.gateway_pods and traffic.is_behind(plan, facts):
        return FOLLOWING
    if versions.rung == "none" and _ready(facts, versions.served):
        return FOLLOWING
    poll = timedelta(seconds=platform.registry_poll_seconds)
    return min(poll, next_look(versions.release) or poll)


def _ready(facts: EndpointFacts, served: PinnedVersion | None) -> int:
    deployment = facts.deployments.get(served.version) if served is not None else None
    return ready_pods(deployment) if deployment is not None else 0


def _verdict(
    endpoint: Endpoint,
    facts: EndpointFacts,
    platform: Platform,
    versions: ModelEndpointStatus,
    ready: int,
    outcome: Outcome,
) -> Verdict:
    if platform.runtime(endpoint.spec.runtime) is None:
        unknown = runtime_missing(endpoint.spec.runtime, platform)
        return Verdict.stalled(unknown.reason, unknown.message)
    problem = (
        _problem(endpoint, facts, versions, outcome)
        or baseline.problem(endpoint, facts, versions)
        or facts.registry_problem
    )
    served = versions.served
    has_gateway = facts.gateway is not None and ready_pods(facts.gateway) > 0
    # The gateways probe for themselves, and may know of a pod seconds after the kubelet does.
    is_open = has_gateway and versions.rung != "none"
    told = render(versions.release, policy.world(endpoint, facts, platform)).replace(
        "<name>", endpoint.name
    )
    told = " ".join(said for said in (told, batch.sentence(endpoint, facts.batch)) if said)
    if (
        served is not None
        and is_open
        and (away := sleep.tell(endpoint, versions.activity, facts.now))
    ):
        return _away(versions, away, problem)
    if served is not None and is_open and (ready > 0 or versions.rung in FALLBACKS):
        pods = f"{ready} of {scaling.capacity(endpoint, facts)} pods"
        return _serving(endpoint, versions, served, pods, problem, told)
    if problem is not None:
        return Verdict.waiting(problem.reason, problem.message)
    chosen = versions.target or served
    if chosen is None:
        return Verdict.progressing(
            Reason.NO_MODEL,
            f"No version of model {endpoint.spec.model} to serve yet: the first Run that logs a"
            " model registers one (or set the alias champion in MLflow).",
        )
    if ready > 0:
        found = f"The gateway is about to find the pods of v{chosen.version}."
        told = found if has_gateway else "Starting the pods of the gateway."
        return Verdict.progressing(Reason.DEPLOYING, told)
    return Verdict.progressing(Reason.DEPLOYING, f"Starting the pods of v{chosen.version}.")


def _away(versions: ModelEndpointStatus, told: str, problem: Problem | None) -> Verdict:
    """Without pods, and as it should be: whoever asks is answered."""
    is_asleep = versions.activity is not None and versions.activity.asleep_since is not None
    reason = Reason.ASLEEP if is_asleep else Reason.WAKING
    return Verdict.ready(reason, f"{told} {problem.message}" if problem else told)


def _serving(
    endpoint: Endpoint,
    versions: ModelEndpointStatus,
    served: PinnedVersion,
    pods: str,
    problem: Problem | None,
    told: str,
) -> Verdict:
    message = f"Serving v{served.version} of {served.name} with {pods}."
    reason = Reason.READY
    if versions.rung in FALLBACKS:
        reason = Reason.FAILED_OVER
        message = _failed_over(endpoint, versions, served)
    message += optimized.remark(versions.optimized)
    if told:
        message += f" {told}"
    if problem is not None:
        reason = reason if reason is Reason.FAILED_OVER else Reason(problem.reason)
        message += f" {problem.message}"
    return Verdict.ready(reason, message)


def _failed_over(endpoint: Endpoint, versions: ModelEndpointStatus, served: PinnedVersion) -> str:
    previous, since = versions.release.previous, versions.rung_time
    if versions.rung == "previous":
        return f"Failed over to v{previous} since {since}: no pod of v{served.version} answers."
    is_asked = previous is not None and previous in routing.ladder(endpoint)
    above = f"v{served.version} or v{previous}" if is_asked else f"v{served.version}"
    lowest = baseline.answer(endpoint, versions)
    return f"Failed over to {lowest} since {since}: no pod of {above} answers."


def _problem(
    endpoint: Endpoint, facts: EndpointFacts, versions: ModelEndpointStatus, outcome: Outcome
) -> Problem | None:
    if isinstance(outcome, Failed | Stalled | Waiting):
        return Problem(outcome.reason, outcome.message)
    if (absent := access.missing(endpoint, facts.absent)) is not None:
        return absent
    for version in (versions.target, versions.served):
        if version is None:
            continue
        found = _version_problem(facts, version.version)
        if found is not None:
            return found
    of_gateway = _pods_problem(facts.gateway, facts.gateway_pods)
    return of_gateway or exposure.problem(endpoint, facts)


def _version_problem(facts: EndpointFacts, version: str) -> Problem | None:
    return _pods_problem(facts.deployments.get(version), facts.pods.get(version, ()))


def _pods_problem(deployment: Manifest | None, pods: tuple[Manifest, ...]) -> Problem | None:
    if deployment is not None and (found := deployment_problem(deployment)) is not None:
        return found
    problems = (pod_problem(pod) for pod in pods)
    return next((problem for problem in problems if problem is not None), None)
