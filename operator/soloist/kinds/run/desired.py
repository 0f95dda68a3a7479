"""What a Run wants to exist: one Ray cluster while it works, one RayJob for each attempt under way."""

from __future__ import annotations

from typing import Any

from soloist.api.platform import Platform
from soloist.api.v1alpha1.run import TERMINAL_PHASES, StepStatus
from soloist.core.effects import Effect, EndTrackedRun, RegisterModel, StartTrackedRun
from soloist.core.kind import Desired
from soloist.core.objects import (
    NETWORK_POLICY,
    RAY_CLUSTER,
    RAY_JOB,
    KindRef,
    Manifest,
)
from soloist.kinds.pods import adopted, ingress_policy
from soloist.kinds.run import names, policy, raycluster, rayjob
from soloist.kinds.run.facts import RunFacts
from soloist.kinds.run.names import Run


def desire(run: Run, facts: RunFacts, platform: Platform) -> Desired:
    """Children while there is work; the MLflow run opened before it and closed after it."""
    if run.status.phase in TERMINAL_PHASES:
        return Desired()
    if run.metadata.deleted is not None:
        return _clean_up(run, facts)
    steps = tuple(run.status.steps)
    if policy.is_over(steps):
        return Desired(effects=_closing(run, facts), keep_finalizer=True)
    image = raycluster.image(run, platform)
    if image is None:
        return Desired()  # an unknown runtime, said in status: nothing is begun
    return Desired(
        _children(run, facts, platform, image), _opening(run, facts), keep_finalizer=True
    )


def _clean_up(run: Run, facts: RunFacts) -> Desired:
    """Hold the object until MLflow knows how its run ended, or has had its time to say so."""
    gone, tracked, steps = run.metadata.deleted, facts.tracked, tuple(run.status.steps)
    if gone is not None and facts.now - gone > policy.CLEAN_UP:
        return Desired()
    if tracked is None:
        return Desired(keep_finalizer=facts.tracking_problem is not None)
    ended = policy.final_status(policy.has_succeeded(steps)) if policy.is_over(steps) else "KILLED"
    if tracked.status == ended:
        return Desired()
    return Desired(effects=(EndTrackedRun(tracked.id, ended),), keep_finalizer=True)


def _opening(run: Run, facts: RunFacts) -> tuple[Effect, ...]:
    if facts.tracked is not None or facts.tracking_problem is not None:
        return ()
    tags = {"soloist.dev/run": f"{run.namespace}/{run.name}", "mlflow.user": run.spec.owner or ""}
    tags["soloist.dev/source"] = run.spec.source_digest or ""
    known = {name: value for name, value in tags.items() if value}
    about = {"mlflow.note.content": run.spec.problem} if run.spec.problem else {}
    return (StartTrackedRun(names.experiment(run), run.metadata.uid, run.name, known, about),)


def _closing(run: Run, facts: RunFacts) -> tuple[Effect, ...]:
    tracked = facts.tracked
    if tracked is None:
        return ()
    succeeded = policy.has_succeeded(tuple(run.status.steps))
    effects: tuple[Effect, ...] = ()
    is_known = facts.tracking_problem is None
    if succeeded and tracked.models and is_known and policy.registered(facts) is None:
        newest = max(tracked.models, key=lambda model: model.created_ms)
        tags = {"soloist.dev/run": f"{run.namespace}/{run.name}"}
        if run.spec.source_digest:
            tags["soloist.dev/source"] = run.spec.source_digest
        effects = (RegisterModel(names.model(run), tracked.id, newest.id, "candidate", tags),)
    status = policy.final_status(succeeded)
    if tracked.status != status:
        effects += (EndTrackedRun(tracked.id, status),)
    return effects


def _children(
    run: Run, facts: RunFacts, platform: Platform, image: str
) -> tuple[tuple[KindRef, Manifest], ...]:
    if facts.cluster is None and facts.code_problem is not None:
        return ()
    wanted: list[tuple[KindRef, dict[str, Any]]] = [
        (NETWORK_POLICY, _network_policy(run, platform)),
        (RAY_CLUSTER, raycluster.build(run, facts, platform, image)),
        *((RAY_JOB, job) for job in _jobs(run, facts)),
    ]
    if not platform.network_policies:
        wanted = wanted[1:]
    return tuple((kind, adopted(run, names.labels(run), manifest)) for kind, manifest in wanted)


def _jobs(run: Run, facts: RunFacts) -> list[dict[str, Any]]:
    """The attempts under way, and the succeeded ones while they are there: making one anew would run it again.

    An attempt waits until the RayJob of the one before is gone: one that took too long still works on the same data
    and fills the same memory until KubeRay, on the deletion of its RayJob, has stopped it.
    """
    steps = {step.name: step for step in run.spec.steps}
    return [
        rayjob.build(run, steps[status.name], status.attempt)
        for status in run.status.steps
        if (status.phase == "Running" and not _lingers(status, facts))
        or (status.phase == "Succeeded" and (status.name, status.attempt) in facts.jobs)
    ]


def _lingers(status: StepStatus, facts: RunFacts) -> bool:
    return any((status.name, number) in facts.jobs for number in range(1, status.attempt))


def _network_policy(run: Run, platform: Platform) -> dict[str, Any]:
    """Only the Run's own pods, and the operators on the dashboard's port, may talk to its pods."""
    operators = [
        {"namespaceSelector": {"matchLabels": labels}}
        for labels in (
            {"kubernetes.io/metadata.name": platform.operator_namespace},
            dict(platform.kuberay_namespace_labels),
        )
        if labels
    ]
    if not platform.kuberay_namespace_labels:
        operators = [{"namespaceSelector": {}}]
    own = dict(names.by_owner(run))
    return ingress_policy(
        names.network_policy(run),
        run.namespace,
        own,
        [
            {"from": [{"podSelector": {"matchLabels": own}}]},
            {"from": operators, "ports": [{"port": raycluster.DASHBOARD_PORT, "protocol": "TCP"}]},
        ],
    )
