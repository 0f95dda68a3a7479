"""One case: an object and its world in, everything that its kind decides out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from soloist.api.parse import Invalid, Resource, parse
from soloist.api.platform import Platform
from soloist.core.effects import Effect
from soloist.core.kind import Desired, Kind, Summary
from soloist.core.outcome import Done, Failed, Outcome, Stalled, Waiting
from soloist.core.plan import Action, diff
from soloist.kinds.modelendpoint import routing
from soloist.kinds.registry import KINDS
from tests.golden.answers import Body, World, parse_world
from tests.support.gateway_page import page

# The C library's are ten times as fast, where they are there.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
CASES = Path(__file__).parent / "cases"
PLATFORM: Body = {
    "runtimes": {
        "default": {"image": "example.com/soloist-runtime:1", "rayVersion": "2.60.0"},
        "old": {"image": "example.com/soloist-runtime:0", "rayVersion": "2.50.1"},
    },
}


@dataclass(frozen=True)
class Case:
    """What the files of one folder say."""

    folder: Path
    kind: Kind[Any]
    body: Body
    platform: Platform
    world: World
    outcomes: tuple[Outcome, ...]

    @property
    def resource(self) -> Resource[Any, Any]:
        found = parse(self.body, self.kind.resource.spec, self.kind.resource.status)
        assert not isinstance(found, Invalid), found.message
        return found


@dataclass(frozen=True)
class Answer:
    """What the kind decides."""

    desired: Desired
    plan: tuple[Action, ...]
    summary: Summary


def all_cases() -> list[Path]:
    """Every folder with a case, by kind and name."""
    return sorted(path.parent for path in CASES.glob("*/*/resource.yaml"))


@cache
def load(folder: Path) -> Case:
    """The case in a folder. What every object has is filled in, so that a file tells only its own story."""
    body = yaml.load((folder / "resource.yaml").read_text(), Loader=_Loader)
    told = yaml.load((folder / "world.yaml").read_text(), Loader=_Loader) or {}
    kind = next(one for one in KINDS if one.ref.kind.lower() == folder.parent.name)
    given = {
        "namespace": "demo",
        "uid": f"uid-{body['metadata']['name']}",
        "generation": 1,
        "creationTimestamp": "2026-11-23T02:00:00Z",
    }
    body = {
        "apiVersion": kind.ref.api_version,
        "kind": kind.ref.kind,
        **body,
        "metadata": {**given, **body["metadata"]},
    }
    platform = Platform.model_validate({**PLATFORM, **told.get("platform", {})})
    outcomes = tuple(Failed(*one) for one in told.get("failed", ())) or (Done(),)
    world = parse_world(body, told)
    if "gateway" in told:
        world = replace(world, gateway=_page(kind, body, platform, told["gateway"]))
    return Case(folder, kind, body, platform, world, outcomes)


def _page(kind: Kind[Any], body: Body, platform: Platform, told: Body) -> str:
    """`gateway: {healthy: {"1": 2}}`: it follows its newest files, and sees two healthy pods of version 1."""
    resource = parse(body, kind.resource.spec, kind.resource.status)
    assert isinstance(resource, Resource)
    plan = routing.plan(resource, platform)
    assert plan is not None
    return page(plan, told["healthy"])


def decide(case: Case, resource: Resource[Any, Any] | None = None) -> Answer:
    """One reconcile without its reads and writes."""
    resource = resource or case.resource
    kind, platform = case.kind, case.platform
    seen = case.world.answer(kind.needs(resource, platform))
    facts = kind.assemble(resource, platform, seen)
    desired = kind.desire(resource, facts, platform)
    live = seen.children(kind.children)
    # As the loop does: nothing is done to the children of an object that goes.
    plan = () if resource.metadata.deleted else diff(desired.children, live, resource.metadata.uid)
    return Answer(desired, plan, kind.summarize(resource, facts, platform, case.outcomes))


def render(answer: Answer) -> str:
    """The answer as the text of `expected.yaml`: what is done, what is said, what is wanted."""
    told = {
        "plan": [f"{type(one).__name__} {one.ref}" for one in answer.plan],
        "effects": [_effect(one) for one in answer.desired.effects],
        "keepFinalizer": answer.desired.keep_finalizer,
        "nextLook": _look(answer.summary.outcome),
        "status": answer.summary.status.manifest(),
        "children": [manifest for _, manifest in answer.desired.children],
    }
    return yaml.dump(told, Dumper=_Plain, sort_keys=False, width=110, allow_unicode=True)


class _Plain(_Dumper):
    """No anchors: a reader should not have to follow them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _effect(effect: Effect) -> Body:
    fields = {name: value for name, value in asdict(effect).items() if value}
    return {type(effect).__name__: fields}


def _look(outcome: Outcome) -> str:
    match outcome:
        case Done(again):
            return "when something changes" if again is None else f"after {again}"
        case Waiting(reason, _, after):
            return f"{reason}: after {after}"
        case Stalled(reason, _):
            return f"{reason}: not before a change"
        case Failed(reason, _):
            return f"{reason}: with backoff"
