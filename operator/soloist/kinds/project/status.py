"""What a Project says of itself: stage, model, newest Run, address, and one sentence."""

from __future__ import annotations

from soloist.api.conditions import ConditionType, Reason
from soloist.api.platform import Platform
from soloist.api.v1alpha1.parts import CommonStatus
from soloist.core.kind import Summary
from soloist.core.outcome import Failed, Outcome, Stalled, Waiting, worst
from soloist.kinds.conditions import Verdict, conditions
from soloist.kinds.project import policy
from soloist.kinds.project.facts import ProjectFacts
from soloist.kinds.project.names import Project


def summarize(
    project: Project, facts: ProjectFacts, platform: Platform, outcomes: tuple[Outcome, ...]
) -> Summary:
    """The status now, told from the children's own words."""
    outcome = worst(outcomes)
    stage = policy.stage(project, facts)
    verdict = _verdict(facts, stage, outcome)
    model = policy.model(project, facts)
    status = project.status.model_copy(
        update={
            "observed_generation": project.metadata.generation,
            "stage": stage,
            "model": model,
            "model_name": policy.shown_model(project, model),
            "last_run": facts.pipeline.last_run if facts.pipeline is not None else None,
            "url": facts.endpoint.url if facts.endpoint is not None and model else None,
            "summary": verdict.message,
            "conditions": conditions(project, verdict, facts.now),
        }
    )
    return Summary(status, outcome)


def _verdict(facts: ProjectFacts, stage: str, outcome: Outcome) -> Verdict:
    if isinstance(outcome, Failed | Stalled | Waiting):
        return Verdict.waiting(outcome.reason, outcome.message)
    if facts.problems:
        return Verdict.waiting(facts.problems[0].reason, facts.problems[0].message)
    message = _message(facts, stage) or "Setting up."
    reason = _reason(facts)
    match stage:
        case "Serving" | "Done":
            return Verdict.ready(Reason.READY, message)
        case "Suspended":
            return Verdict.ready(Reason.SUSPENDED, message)
        case "Stalled":
            return Verdict.stalled(reason, message)
        case _:
            return Verdict.progressing(reason, message)


def _reason(facts: ProjectFacts) -> str:
    for status in (facts.pipeline, facts.endpoint):
        found = policy.find(status, ConditionType.READY)
        if found is not None and found.status != "True":
            return found.reason
    return Reason.PROGRESSING


def _message(facts: ProjectFacts, stage: str) -> str:
    """What the endpoint and the pipeline say; one of them alone where the other says nothing new."""
    pipeline = facts.pipeline.summary if facts.pipeline is not None else ""
    endpoint = facts.endpoint.summary if facts.endpoint is not None else ""
    if pipeline and _is(facts.endpoint, Reason.NO_MODEL):
        endpoint = ""  # of course not: the pipeline tells why
    if endpoint and _is(facts.pipeline, Reason.SUCCEEDED):
        pipeline = ""
    told = (endpoint, pipeline) if stage == "Serving" else (pipeline, endpoint)
    return " ".join(said for said in told if said)


def _is(status: CommonStatus | None, reason: Reason) -> bool:
    found = policy.find(status, ConditionType.READY)
    return found is not None and found.reason == reason
