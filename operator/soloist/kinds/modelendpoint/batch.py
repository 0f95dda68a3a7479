"""The Pipeline that scores an endpoint's set, and what it tells.

A scoring is a Run like any other: its history, its log, its resumption and its clean-up are a Pipeline's. What the endpoint
adds is the version: the one that is served stands in the step's parameters, so that a Run keeps the version that it began
with, and an edit of the Pipeline's steps is all that a promotion is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from soloist.api.parse import Invalid, parse
from soloist.api.platform import Platform
from soloist.api.resources import API_VERSION
from soloist.api.v1alpha1.batch import Batch, BatchStatus
from soloist.api.v1alpha1.modelendpoint import PinnedVersion
from soloist.api.v1alpha1.parts import Source, Storage
from soloist.api.v1alpha1.pipeline import NAME_LIMIT, PipelineSpec, PipelineStatus, Step
from soloist.api.v1alpha1.run import RunSpec, RunStatus
from soloist.core.effects import ListObjects
from soloist.core.objects import OWNER_KIND, OWNER_NAME, RUN, Manifest, is_owned_by, shorten
from soloist.core.seen import Seen
from soloist.kinds.modelendpoint import names
from soloist.kinds.modelendpoint.names import Endpoint

STEP = "score"
COMMAND = "python -m soloist_workloads.batch"
ROWS, REFUSED = "rows_scored", "rows_refused"


@dataclass(frozen=True, slots=True)
class BatchView:
    """The Pipeline and its newest Run, as they say themselves."""

    pipeline: PipelineStatus
    spec: RunSpec | None = None
    run: RunStatus | None = None


def name(endpoint: Endpoint) -> str:
    """The Pipeline's, within what a Pipeline may be called."""
    return shorten(f"{endpoint.name}-batch", NAME_LIMIT)


def pipeline(endpoint: Endpoint, platform: Platform) -> dict[str, Any] | None:
    """The Pipeline; None while nothing is served, or without a set to score."""
    batch, served = endpoint.spec.batch, endpoint.status.served
    if batch is None or served is None:
        return None
    image = names.image_of(served, platform, endpoint.spec.runtime)
    if image is None:
        return None  # an unknown runtime, said in status
    spec = PipelineSpec(
        # The image that serves scores, too: another release of a library may round otherwise.
        source=Source(image=image),
        runtime=endpoint.spec.runtime,
        steps=[_step(endpoint, batch, served, image)],
        storage=Storage(claim=batch.storage.claim, s3=batch.storage.s3),
        service_account=endpoint.spec.service_account,
        schedule=batch.schedule,
        time_zone=batch.time_zone,
        # With a schedule the clock alone decides when; the Run then takes the version of that hour.
        run_on_change=batch.schedule is None,
        problem=f"Predictions of {served.name} for {batch.input}",
        metric=ROWS,
    )
    return {
        "apiVersion": API_VERSION,
        "kind": "Pipeline",
        "metadata": {"name": name(endpoint), "namespace": endpoint.namespace},
        "spec": spec.manifest(),
    }


def _step(endpoint: Endpoint, batch: Batch, served: PinnedVersion, image: str) -> Step:
    return Step(
        name=STEP,
        command=COMMAND,
        cpu=batch.cpu,
        memory=batch.memory,
        timeout=batch.timeout,
        params={
            "endpoint": f"{endpoint.namespace}/{endpoint.name}",
            "model": served.name,
            "version": served.version,
            "artifact": served.artifact,
            "image": image,
            "allow_pickle": endpoint.spec.allow_pickle,
            "input": batch.input,
            "output": batch.output,
        },
    )


def runs(endpoint: Endpoint) -> tuple[ListObjects, ...]:
    """The Runs of the Pipeline, asked for only where there is a set to score."""
    if endpoint.spec.batch is None:
        return ()
    labels = ((OWNER_KIND, "Pipeline"), (OWNER_NAME, name(endpoint)))
    return (ListObjects(RUN, endpoint.namespace, labels),)


def view(endpoint: Endpoint, pipelines: tuple[Manifest, ...], seen: Seen) -> BatchView | None:
    """What is there of it now. A Run counts by its owner's UID: the Pipeline before may have had the same name."""
    live = next((one for one in pipelines if one["metadata"]["name"] == name(endpoint)), None)
    if endpoint.spec.batch is None or live is None:
        return None
    parsed = parse(live, PipelineSpec, PipelineStatus)
    if isinstance(parsed, Invalid):
        return None
    newest = parsed.status.last_run.name if parsed.status.last_run is not None else None
    own = (
        one
        for read in runs(endpoint)
        for one in seen.objects(read)
        if one["metadata"]["name"] == newest and is_owned_by(one, live["metadata"]["uid"])
    )
    found = next(own, None)
    run = parse(found, RunSpec, RunStatus) if found is not None else None
    if run is None or isinstance(run, Invalid):
        return BatchView(parsed.status)
    return BatchView(parsed.status, run.spec, run.status)


def status(endpoint: Endpoint, found: BatchView | None) -> BatchStatus | None:
    """What is said of it. Numbers come from the Run's metrics, so they are there when it ended well."""
    if endpoint.spec.batch is None or found is None:
        return None
    last = found.pipeline.last_run
    params = found.spec.steps[0].params if found.spec is not None else {}
    metrics = found.run.metrics if found.run is not None else {}
    return BatchStatus(
        pipeline=name(endpoint),
        run=last.name if last is not None else None,
        phase=found.run.phase if found.run is not None else None,
        version=_text(params.get("version")),
        output=_text(params.get("output")),
        rows=_number(metrics.get(ROWS)),
        refused=_number(metrics.get(REFUSED)),
        end_time=found.run.end_time if found.run is not None else None,
        next_time=found.pipeline.next_schedule_time,
    )


def sentence(endpoint: Endpoint, found: BatchView | None) -> str:
    """What the endpoint's own sentence says of it; nothing where there is nothing to do."""
    told = status(endpoint, found)
    if told is None or found is None:
        return ""
    if told.run is None or told.phase is None:
        return f"Batch: {found.pipeline.summary or 'starting.'}"
    if told.phase == "Failed" and found.run is not None:
        again = f"kubectl annotate pipeline {told.pipeline} soloist.dev/run=again --overwrite"
        return f"Batch failed: {found.run.summary} To score again: {again}."
    if told.phase == "Pending" and found.run is not None:
        return f"Batch: run {told.run}: {found.run.summary or 'starting.'}"
    if told.phase != "Succeeded":
        return f"Batch: v{told.version} scores in run {told.run}."
    refused = f", refused {told.refused}" if told.refused else ""
    return f"Batch: v{told.version} scored {told.rows or 0} rows into {told.output}{refused}."


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _number(value: object) -> int | None:
    return round(value) if isinstance(value, int | float) else None
