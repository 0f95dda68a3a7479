"""What a Run says of itself: phase, steps, and one sentence of cause and next action."""

from __future__ import annotations

import math
from datetime import timedelta

from soloist.api.amounts import quantity_value
from soloist.api.conditions import Reason, rfc3339
from soloist.api.fields import Scalar
from soloist.api.platform import Platform
from soloist.api.v1alpha1.parts import ModelVersion
from soloist.api.v1alpha1.pipeline import Step
from soloist.api.v1alpha1.run import TERMINAL_PHASES, StepStatus
from soloist.core.effects import Problem, TrackedRun
from soloist.core.kind import Summary
from soloist.core.outcome import Done, Failed, Outcome, Stalled, Waiting, worst
from soloist.core.tally import pod_problem, ray_cluster_problem, sentence
from soloist.kinds.conditions import Verdict, conditions
from soloist.kinds.problems import runtime_missing
from soloist.kinds.run import policy, raycluster
from soloist.kinds.run.facts import RunFacts
from soloist.kinds.run.names import Run

# While a step runs, its last lines are read this often; everything else comes by events.
LOOK_AGAIN = timedelta(seconds=5)
METRICS = 20


def summarize(
    run: Run, facts: RunFacts, platform: Platform, outcomes: tuple[Outcome, ...]
) -> Summary:
    """The status now. A Run that has ended keeps what it said: its world is gone."""
    if run.status.phase in TERMINAL_PHASES:
        return Summary(run.status, worst(outcomes))
    leaves = run.metadata.deleted is not None
    steps = tuple(run.status.steps) if leaves else policy.advance(run, facts)
    phase = _phase(run, facts, steps)
    verdict = _verdict(run, facts, platform, steps, phase, worst(outcomes))
    status = run.status.model_copy(
        update={
            "observed_generation": run.metadata.generation,
            "phase": phase,
            "progress": f"{sum(step.phase == 'Succeeded' for step in steps)}/{len(steps)}",
            "start_time": run.status.start_time or rfc3339(facts.now),
            "end_time": rfc3339(facts.now) if phase in TERMINAL_PHASES else None,
            "steps": list(steps),
            "summary": verdict.message,
            "conditions": conditions(run, verdict, facts.now),
            "image": raycluster.image(run, platform),
            **_tracked(run, facts),
        }
    )
    return Summary(status, _next_look(phase, worst(outcomes)))


def _next_look(phase: str, outcome: Outcome) -> Outcome:
    if isinstance(outcome, Failed | Stalled) or phase in TERMINAL_PHASES:
        return outcome
    return worst((outcome, Done(again=LOOK_AGAIN)))


def _tracked(run: Run, facts: RunFacts) -> dict[str, object]:
    tracked = facts.tracked
    if tracked is None:
        return {}
    found = policy.registered(facts)
    model = ModelVersion(name=found[0], version=found[1]) if found else run.status.model
    return {
        "mlflow_run_id": tracked.id,
        "experiment_id": tracked.experiment_id,
        "metrics": _metrics(run, tracked),
        "model": model,
    }


def _metrics(run: Run, tracked: TrackedRun) -> dict[str, Scalar]:
    """As many as status holds, the Run's own among them. JSON has no number that is none: NaN is told as text."""
    first = sorted(tracked.metrics, key=lambda name: (name != run.spec.metric, name))[:METRICS]
    values = {name: tracked.metrics[name] for name in sorted(first)}
    return {name: value if math.isfinite(value) else str(value) for name, value in values.items()}


def _phase(run: Run, facts: RunFacts, steps: tuple[StepStatus, ...]) -> str:
    if not policy.is_over(steps):
        begun = any(step.phase != "Waiting" for step in steps)
        return "Running" if begun else "Pending"
    succeeded = policy.has_succeeded(steps)
    if not _is_closed(run, facts, succeeded):
        return "Running"
    return "Succeeded" if succeeded else "Failed"


def _is_closed(run: Run, facts: RunFacts, succeeded: bool) -> bool:
    """Whether MLflow knows that the run has ended, and how, and has its model registered.

    Only a recorded end counts: the steps' last change must be in status before the cluster goes.
    """
    tracked = facts.tracked
    if not policy.is_over(tuple(run.status.steps)) or facts.tracking_problem is not None:
        return False
    if tracked is None:
        return True  # somebody deleted the MLflow run: there is nothing to close
    registered = policy.registered(facts) is not None or not (succeeded and tracked.models)
    return registered and tracked.status == policy.final_status(succeeded)


def _verdict(
    run: Run,
    facts: RunFacts,
    platform: Platform,
    steps: tuple[StepStatus, ...],
    phase: str,
    outcome: Outcome,
) -> Verdict:
    if run.metadata.deleted is not None:
        return _leaving(facts)
    if raycluster.image(run, platform) is None:
        unknown = runtime_missing(run.spec.runtime, platform)
        return Verdict.stalled(unknown.reason, unknown.message)
    failed = next((step for step in steps if step.phase == "Failed"), None)
    if failed is not None:
        spec = next(step for step in run.spec.steps if step.name == failed.name)
        return Verdict.stalled(failed.failures[-1].reason, failure_sentence(run, spec, failed))
    problem = _problem(facts, outcome)
    if problem is not None:
        return Verdict.waiting(problem.reason, problem.message)
    if phase == "Succeeded":
        return Verdict.ready(Reason.SUCCEEDED, _success_sentence(run, facts))
    return Verdict.progressing(Reason.RUNNING, _progress_sentence(run, facts, steps))


def _leaving(facts: RunFacts) -> Verdict:
    message = "Being deleted; telling MLflow that its run has ended."
    if facts.tracking_problem is not None:
        message += f" {facts.tracking_problem.message}"
    return Verdict.progressing(Reason.DELETING, message)


def _problem(facts: RunFacts, outcome: Outcome) -> Problem | None:
    """What stands in the way, the deepest cause first."""
    if isinstance(outcome, Failed | Stalled | Waiting):
        return Problem(outcome.reason, outcome.message)
    if facts.code_problem is not None:
        return facts.code_problem
    if facts.problems:
        return facts.problems[0]
    pods = (found for found in map(pod_problem, facts.pods) if found is not None)
    return next(pods, None) or (ray_cluster_problem(facts.cluster) if facts.cluster else None)


def _progress_sentence(run: Run, facts: RunFacts, steps: tuple[StepStatus, ...]) -> str:
    running = [step for step in steps if step.phase == "Running"]
    if policy.has_succeeded(steps):
        return "All steps succeeded; registering the model."
    if facts.cluster is None or not facts.cluster_ready:
        return "Starting the Ray cluster."
    if run.status.mlflow_run_id is None:
        return "Opening the MLflow run."
    if not running:
        return "Starting the next step."
    done = sum(step.phase == "Succeeded" for step in steps)
    newest = running[-1].log.splitlines()[-1:] if running[-1].log else []
    said = f": {newest[0]}" if newest else "."
    tried = [step for step in running if step.failures]
    again = f", attempt {tried[0].attempt} after {tried[0].failures[-1].reason}" if tried else ""
    return f"Running {_listed(running)} (step {done + 1} of {len(steps)}{again}){said}"


def _listed(steps: list[StepStatus]) -> str:
    names = [step.name for step in steps]
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]


def _success_sentence(run: Run, facts: RunFacts) -> str:
    tracked, found = facts.tracked, policy.registered(facts)
    if tracked is None:
        return "Every step succeeded. Its MLflow run was deleted, so no model was registered."
    if found is None:
        return "Every step succeeded. No model was logged to MLflow, so none was registered."
    metric = run.spec.metric
    number = (
        f" with {metric} {tracked.metrics[metric]:.4g}"
        if metric is not None and metric in tracked.metrics
        else ""
    )
    return f"Registered {found[0]} v{found[1]}{number}."


def failure_sentence(run: Run, step: Step, status: StepStatus) -> str:
    """Cause and next action for a step that has no try left."""
    last = status.failures[-1]
    tries = f"attempt {last.number} of {max(step.retries + 1, last.number)}"
    who = f"Step {step.name} of run {run.name}"
    read = f"kubectl get run {run.name} -o yaml"
    lost = len(status.failures) - policy.attempts_used(status)
    match last.reason:
        case Reason.OUT_OF_MEMORY:
            limit = _bytes(policy.head_size(run.spec.steps)[1])
            peak = _bytes(last.memory_peak) if last.memory_peak else limit
            return (
                f"{who} ran out of memory (limit {limit}, peak {peak}, {tries}). Raise"
                f" spec.pipeline.steps[{step.name}].memory or read its last lines: {read}."
            )
        case Reason.DEADLINE_EXCEEDED:
            return (
                f"{who} took longer than its timeout of {step.timeout} ({tries}). Raise"
                f" spec.pipeline.steps[{step.name}].timeout or read its last lines: {read}."
            )
        case Reason.COMMAND_NOT_FOUND:
            return (
                f"{who} names a command that the image does not have: {step.command!r} ({tries})."
                f" Correct spec.pipeline.steps[{step.name}].command. Its last lines: {read}."
            )
        case Reason.DISRUPTED:
            return (
                f"{who} was interrupted {lost} times by the loss of its pod. See"
                f" why the pod goes (kubectl get events), or read its last lines: {read}."
            )
        case Reason.SUBMISSION_FAILED:
            return f"{who} was refused by Ray ({tries}): {sentence(last.message)} More: {read}."
        case _:
            line = status.log.strip().splitlines()[-1:] or [last.message]
            return (
                f"{who} ended with exit code {last.exit_code} ({tries}): {sentence(line[0])}"
                f" Correct the code and apply again; its last lines: {read}."
            )


def _bytes(count: float) -> str:
    for unit in ("Gi", "Mi"):
        size = quantity_value(f"1{unit}")
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return f"{count:.0f}"
