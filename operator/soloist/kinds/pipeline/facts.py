"""What a Pipeline has to know: its code as it is now, and its Runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from soloist.api.conditions import ConditionType
from soloist.api.parse import parse_metadata
from soloist.api.platform import Platform
from soloist.api.v1alpha1.run import TERMINAL_PHASES
from soloist.core.effects import GetObject, ListObjects, Problem, Read, ResolveGit
from soloist.core.objects import CONFIG_MAP, RUN, VOLUME_CLAIM, Manifest, digest, shorten
from soloist.core.seen import Seen
from soloist.core.tally import condition
from soloist.kinds.pipeline import names
from soloist.kinds.pipeline.names import Pipeline
from soloist.kinds.problems import config_map_missing

CHILDREN = (VOLUME_CLAIM, RUN)
REQUEST_LIMIT = 200


@dataclass(frozen=True, slots=True)
class RunView:
    """One of the pipeline's Runs."""

    name: str
    number: int
    phase: str
    summary: str
    trigger: str
    answers: str
    created: datetime | None
    is_deleted: bool
    model: tuple[str, str] | None
    manifest: Manifest
    reason: str = ""
    """What its condition Ready says, for programs."""

    @property
    def is_active(self) -> bool:
        return self.phase not in TERMINAL_PHASES


@dataclass(frozen=True, slots=True)
class Code:
    """The code as it is now: its digest, and the commit for Git."""

    digest: str
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class PipelineFacts:
    """The world as one reconcile of a Pipeline sees it."""

    now: datetime
    runs: tuple[RunView, ...]
    """Oldest first."""
    code: Code | None
    problem: Problem | None
    claim: Manifest | None
    request: str

    @property
    def active(self) -> tuple[RunView, ...]:
        return tuple(run for run in self.runs if run.is_active and not run.is_deleted)


def needs(pipeline: Pipeline, platform: Platform) -> tuple[Read, ...]:
    """Its children, and where the code comes from."""
    children = tuple(
        ListObjects(kind, pipeline.namespace, names.by_owner(pipeline)) for kind in CHILDREN
    )
    source = pipeline.spec.source
    if source.config_map is not None:
        return (*children, _config_map(pipeline))
    return children if source.git is None else (*children, _git(pipeline))


def _config_map(pipeline: Pipeline) -> GetObject:
    return GetObject(CONFIG_MAP, pipeline.namespace, pipeline.spec.source.config_map or "")


def _git(pipeline: Pipeline) -> ResolveGit:
    git = pipeline.spec.source.git
    assert git is not None, "asked only for a Git source"
    return ResolveGit(git.url, git.ref, pipeline.namespace, git.secret_name)


def assemble(pipeline: Pipeline, platform: Platform, seen: Seen) -> PipelineFacts:
    """The answers as one value."""
    claims, runs = (
        seen.objects(ListObjects(kind, pipeline.namespace, names.by_owner(pipeline)))
        for kind in CHILDREN
    )
    code, problem = _code(pipeline, seen)
    return PipelineFacts(
        now=seen.now,
        runs=tuple(
            sorted((_view(pipeline, run) for run in runs), key=lambda run: (run.number, run.name))
        ),
        code=code,
        problem=problem,
        claim=claims[0] if claims else None,
        # Any text is a request; status and Run have room for 200 characters of it.
        request=shorten(pipeline.metadata.annotations.get(names.REQUEST, ""), REQUEST_LIMIT),
    )


def _code(pipeline: Pipeline, seen: Seen) -> tuple[Code | None, Problem | None]:
    source = pipeline.spec.source
    if source.image is not None:
        return Code(digest(source.image)), None
    if source.git is not None:
        commit = seen.commit(_git(pipeline))
        return (Code(commit, commit) if commit else None), seen.problem(_git(pipeline))
    read = _config_map(pipeline)
    found = seen.object(read)
    if found is None:
        return None, seen.problem(read) or config_map_missing(read.name, read.namespace)
    return Code(digest([found.get("data") or {}, found.get("binaryData") or {}])), None


def _view(pipeline: Pipeline, manifest: Manifest) -> RunView:
    meta, status = parse_metadata(manifest), manifest.get("status") or {}
    model = status.get("model")
    return RunView(
        name=meta.name,
        number=names.run_number(pipeline, meta.name),
        phase=status.get("phase", "Pending"),
        summary=status.get("summary", ""),
        trigger=(manifest["spec"].get("trigger") or {}).get("id", ""),
        answers=meta.annotations.get(names.ANSWERS, ""),
        created=meta.created,
        is_deleted=meta.deleted is not None,
        model=(model["name"], model["version"]) if model else None,
        manifest=manifest,
        reason=ready["reason"] if (ready := condition(manifest, ConditionType.READY)) else "",
    )
