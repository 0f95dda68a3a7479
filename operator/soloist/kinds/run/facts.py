"""What a Run has to know: its Ray cluster, its jobs, its pods, its code, its MLflow run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from soloist.api.platform import Platform
from soloist.api.v1alpha1.run import TERMINAL_PHASES
from soloist.core.effects import (
    FindModel,
    FindTrackedRun,
    GetObject,
    ListObjects,
    Problem,
    Read,
    RegisteredModel,
    TailLog,
    TrackedRun,
)
from soloist.core.objects import (
    CONFIG_MAP,
    NETWORK_POLICY,
    POD,
    RAY_CLUSTER,
    RAY_JOB,
    RUN,
    Manifest,
)
from soloist.core.seen import Seen
from soloist.core.tally import ray_cluster_is_ready
from soloist.kinds import podenv
from soloist.kinds.problems import config_map_missing
from soloist.kinds.run import names
from soloist.kinds.run.jobs import Job, parse_job
from soloist.kinds.run.names import Run

KEEP_RUNS = "soloist.dev/keep-runs"
CHILDREN = (NETWORK_POLICY, RAY_CLUSTER, RAY_JOB)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The world as one reconcile of a Run sees it."""

    now: datetime
    cluster: Manifest | None
    cluster_ready: bool
    jobs: Mapping[tuple[str, int], Job]
    pods: tuple[Manifest, ...]
    code_problem: Problem | None
    keep_runs: str
    """Names of the Runs whose data stays, pinned when the cluster was made."""
    tracked: TrackedRun | None
    tracking_problem: Problem | None = None
    """Why `tracked` and `model` are not known; without one, None means that MLflow has none."""
    model: RegisteredModel | None = None
    """Asked for once every step has succeeded."""
    problems: tuple[Problem, ...] = ()
    logs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def needs(run: Run, platform: Platform) -> tuple[Read, ...]:
    """A finished Run asks only for what is left to clean up."""
    children = tuple(ListObjects(kind, run.namespace, names.by_owner(run)) for kind in CHILDREN)
    if run.status.phase in TERMINAL_PHASES:
        return children
    return children + _open_needs(run)


def _open_needs(run: Run) -> tuple[Read, ...]:
    reads: tuple[Read, ...] = (_pods(run), _tracked(run))
    if run.spec.source.config_map is not None:
        reads += (_code(run),)
    if run.status.phase == "Pending":
        reads += (_runs(run),)
    if _is_registering(run):
        reads += (_model(run),)
    return reads + tuple(
        _log(run, step.name) for step in run.status.steps if step.phase == "Running"
    )


def _pods(run: Run) -> ListObjects:
    return ListObjects(POD, run.namespace, names.by_owner(run))


def _tracked(run: Run) -> FindTrackedRun:
    return FindTrackedRun(names.experiment(run), run.metadata.uid)


def _model(run: Run) -> FindModel:
    return FindModel(names.model(run))


def _is_registering(run: Run) -> bool:
    steps = run.status.steps
    return bool(steps) and all(step.phase == "Succeeded" for step in steps)


def _code(run: Run) -> GetObject:
    return GetObject(CONFIG_MAP, run.namespace, run.spec.source.config_map or "")


def _runs(run: Run) -> ListObjects:
    return ListObjects(RUN, run.namespace, ())


def _log(run: Run, step: str) -> TailLog:
    prefix = podenv.STEP_PREFIX.format(step=step)
    return TailLog(run.namespace, names.by_owner(run), names.HEAD_CONTAINER, prefix)


def assemble(run: Run, platform: Platform, seen: Seen) -> RunFacts:
    """The answers as one value."""
    clusters, jobs = (
        seen.objects(ListObjects(kind, run.namespace, names.by_owner(run)))
        for kind in (RAY_CLUSTER, RAY_JOB)
    )
    cluster = clusters[0] if clusters else None
    is_open = run.status.phase not in TERMINAL_PHASES
    is_registering = is_open and _is_registering(run)
    return RunFacts(
        now=seen.now,
        cluster=cluster,
        cluster_ready=cluster is not None and ray_cluster_is_ready(cluster),
        jobs={(job.step, job.attempt): job for job in map(parse_job, jobs) if job is not None},
        pods=seen.objects(_pods(run)) if is_open else (),
        code_problem=_code_problem(run, seen) if is_open else None,
        keep_runs=_keep_runs(run, cluster, seen),
        tracked=seen.tracked_run(_tracked(run)) if is_open else None,
        tracking_problem=_tracking_problem(run, seen, is_registering) if is_open else None,
        model=seen.model(_model(run)) if is_registering else None,
        problems=seen.problems(),
        logs={
            step.name: seen.lines(_log(run, step.name))
            for step in run.status.steps
            if is_open and step.phase == "Running"
        },
    )


def _tracking_problem(run: Run, seen: Seen, is_registering: bool) -> Problem | None:
    asked: tuple[Read, ...] = (_tracked(run), *((_model(run),) if is_registering else ()))
    return next((found for found in map(seen.problem, asked) if found is not None), None)


def _code_problem(run: Run, seen: Seen) -> Problem | None:
    name = run.spec.source.config_map
    if name is None or seen.problem(_code(run)) is not None or seen.object(_code(run)) is not None:
        return None
    return config_map_missing(name, run.namespace)


def _keep_runs(run: Run, cluster: Manifest | None, seen: Seen) -> str:
    """As the live cluster says; else the Runs that exist now. Unknown is empty, and then nothing is cleared."""
    if cluster is not None:
        return str((cluster["metadata"].get("annotations") or {}).get(KEEP_RUNS, ""))
    if run.status.phase != "Pending":
        return ""
    return " ".join(sorted(other["metadata"]["name"] for other in seen.objects(_runs(run))))
