"""What a Pipeline wants to exist: a volume for its data, the Runs that stay, and the one that is due."""

from __future__ import annotations

from typing import Any

from soloist.api.platform import Platform
from soloist.api.resources import API_VERSION
from soloist.api.v1alpha1.parts import Storage
from soloist.api.v1alpha1.run import RunSpec, Trigger
from soloist.core.kind import Desired
from soloist.core.objects import RUN, VOLUME_CLAIM, KindRef, Manifest
from soloist.kinds.pipeline import names, policy
from soloist.kinds.pipeline.facts import PipelineFacts, RunView
from soloist.kinds.pipeline.names import Pipeline
from soloist.kinds.pipeline.policy import Start
from soloist.kinds.pods import adopted
from soloist.kinds.volumes import volume_claim


def desire(pipeline: Pipeline, facts: PipelineFacts, platform: Platform) -> Desired:
    """The volume first: a Run's pods wait for it."""
    if pipeline.metadata.deleted is not None:
        return Desired()
    start = policy.due_run(pipeline, facts, platform)
    wanted: list[tuple[KindRef, dict[str, Any]]] = []
    if pipeline.spec.storage.is_own_volume or facts.claim is not None:
        # A volume that was made stays, also when the spec names another place later: it holds the user's data.
        wanted.append((VOLUME_CLAIM, _claim(pipeline, facts, platform)))
    wanted += [(RUN, _as_is(run)) for run in policy.kept(pipeline, facts, start)]
    if start is not None:
        wanted.append((RUN, _run(pipeline, facts, platform, start)))
    return Desired(tuple((kind, _adopted(pipeline, manifest)) for kind, manifest in wanted))


def _adopted(pipeline: Pipeline, manifest: dict[str, Any]) -> Manifest:
    return adopted(pipeline, names.labels(pipeline), manifest)


def _claim(pipeline: Pipeline, facts: PipelineFacts, platform: Platform) -> dict[str, Any]:
    return volume_claim(
        names.claim(pipeline),
        pipeline.namespace,
        pipeline.spec.storage.size,
        facts.claim,
        platform,
        platform.volumes.size,
    )


def _as_is(run: RunView) -> dict[str, Any]:
    """A Run that stays, as it is: its spec is part of what we apply, since leaving it out would mean to remove it."""
    meta = run.manifest["metadata"]
    return {
        "apiVersion": API_VERSION,
        "kind": "Run",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "annotations": {names.ANSWERS: run.answers},
        },
        "spec": run.manifest["spec"],
    }


def _run(
    pipeline: Pipeline, facts: PipelineFacts, platform: Platform, start: Start
) -> dict[str, Any]:
    spec, code = pipeline.spec, facts.code
    source, runtime = spec.source, platform.runtime(spec.runtime)
    if source.git is not None and code is not None and code.commit is not None:
        source = source.model_copy(
            update={"git": source.git.model_copy(update={"ref": code.commit})}
        )
    run = RunSpec(
        source=source,
        source_digest=code.digest if code is not None else None,
        runtime=spec.runtime,
        image=source.image or (runtime.image if runtime is not None else None),
        steps=spec.steps,
        env=spec.env,
        storage=Storage(claim=policy.claim_in_use(pipeline), s3=spec.storage.s3),
        service_account=spec.service_account,
        model=names.model(pipeline),
        experiment=names.experiment(pipeline),
        problem=spec.problem,
        metric=spec.metric,
        owner=spec.owner,
        trigger=Trigger(reason=start.reason, id=start.id),
    )
    return {
        "apiVersion": API_VERSION,
        "kind": "Run",
        "metadata": {
            "name": names.run(pipeline, start.number),
            "namespace": pipeline.namespace,
            "annotations": {names.ANSWERS: start.answers},
        },
        "spec": run.manifest(),
    }
