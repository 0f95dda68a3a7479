"""Whatever spec a user may write: what is made of it is legal, depends on nothing by chance, and stands still."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from soloist.api.parse import Resource, parse
from soloist.api.platform import Platform
from soloist.api.resources import ResourceKind
from soloist.core.effects import LoggedModel, RegisteredModel, RegisteredVersion, TrackedRun
from soloist.core.kind import Kind
from soloist.core.objects import RAY_CLUSTER, RAY_JOB, Manifest
from soloist.kinds.registry import KINDS
from tests.golden.answers import World
from tests.golden.case import Answer, Case, decide
from tests.support.any_spec import any_manifest
from tests.support.kinds import NOW

Drawn = tuple[ResourceKind, dict[str, Any]]
PLATFORM = Platform.model_validate({"runtimes": {"default": {"image": "example/runtime:1"}}})
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
LABEL_KEY = re.compile(r"([a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
# KubeRay's own limits; every other child's name becomes part of a pod's or is a label somewhere.
NAME_LIMITS = {RAY_CLUSTER.kind: 53, RAY_JOB.kind: 47}
ROUNDS = 4

worlds = st.builds(
    World,
    now=st.just(NOW),
    tracked=st.sampled_from(
        [
            None,
            TrackedRun("r", "1", "RUNNING"),
            TrackedRun("r", "1", "FINISHED", {"mae": float("nan")}, (LoggedModel("m", "x", 1),)),
        ]
    ),
    model=st.sampled_from(
        [
            None,
            RegisteredModel("x", {"candidate": "1"}, (RegisteredVersion("1", "r", "models:/m"),)),
            RegisteredModel("x", {"champion": "2"}, (RegisteredVersion("2", "s", "models:/n"),)),
        ]
    ),
    commit=st.just("0123456789" * 4),
    down=st.frozensets(st.sampled_from(["mlflow", "git", "kuberay"])),
)


def a_case(drawn: Drawn, world: World) -> tuple[Case, Resource[Any, Any]]:
    kind: Kind[Any] = next(one for one in KINDS if one.resource.kind == drawn[0].kind)
    meta = {**drawn[1]["metadata"], "namespace": "demo", "uid": "uid-1", "generation": 1}
    body = {**drawn[1], "metadata": {**meta, "creationTimestamp": "2026-11-22T03:00:00Z"}}
    case = Case(None, kind, body, PLATFORM, world, ())  # type: ignore[arg-type]  # of no folder
    resource = parse(body, kind.resource.spec, kind.resource.status)
    assert isinstance(resource, Resource)
    return case, resource


def answers(drawn: Drawn, world: World) -> Iterator[Answer]:
    """From one reconcile to the next, as far as it goes with the children made and nobody else at work."""
    case, resource = a_case(drawn, world)
    for _ in range(ROUNDS):
        answer = decide(case, resource)
        yield answer
        resource = replace(resource, status=answer.summary.status)
        wanted = (dict(manifest) for _, manifest in answer.desired.children)
        case = replace(case, world=replace(world, objects=tuple(map(as_live, wanted))))


def as_live(manifest: Manifest) -> dict[str, Any]:
    given = {"uid": f"uid-{manifest['metadata']['name']}", "generation": 1}
    return {**manifest, "metadata": {**manifest["metadata"], **given}}


def turned(value: Any) -> Any:
    """The same JSON with every mapping the other way round."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


@given(any_manifest(), worlds)
@settings(max_examples=40, deadline=None)
def test_nothing_depends_on_the_order_of_a_mapping(drawn: Drawn, world: World) -> None:
    one = [answer.desired for answer in answers(drawn, world)]
    other = [answer.desired for answer in answers((drawn[0], turned(drawn[1])), world)]
    assert one == other


@given(any_manifest(), worlds)
@settings(max_examples=40, deadline=None)
def test_every_child_is_legal(drawn: Drawn, world: World) -> None:
    for answer in answers(drawn, world):
        for kind, manifest in answer.desired.children:
            assert json.loads(json.dumps(manifest, allow_nan=False)) == manifest
            meta = manifest["metadata"]
            assert DNS_1035.fullmatch(meta["name"])
            assert len(meta["name"]) <= NAME_LIMITS.get(kind.kind, 63)
            assert meta["ownerReferences"][0]["uid"] == "uid-1"
            for key, value in labels(manifest):
                assert LABEL_KEY.fullmatch(key), key
                assert LABEL_VALUE.fullmatch(value), value
            for pod in pods(manifest):
                for container in (*pod["containers"], *pod.get("initContainers", ())):
                    names = [variable["name"] for variable in container.get("env", ())]
                    assert len(names) == len(set(names))
        told = answer.summary.status.manifest()
        assert json.loads(json.dumps(told, allow_nan=False)) == told


def labels(value: Any) -> Iterator[tuple[str, str]]:
    """Every label and every label selector inside."""
    if isinstance(value, dict):
        for key in ("labels", "matchLabels"):
            yield from value.get(key, {}).items()
        for child in value.values():
            yield from labels(child)
    if isinstance(value, list):
        for child in value:
            yield from labels(child)


def pods(value: Any) -> Iterator[Any]:
    """Every pod's spec inside."""
    if isinstance(value, dict):
        if "containers" in value:
            yield value
        for child in value.values():
            yield from pods(child)


@given(any_manifest(), worlds)
@settings(max_examples=40, deadline=None)
def test_in_a_world_that_stands_still_nothing_is_said_or_made_anew(
    drawn: Drawn, world: World
) -> None:
    seen = list(answers(drawn, world))
    assert seen[-1].summary.status == seen[-2].summary.status
    assert seen[-1].plan == () or "kuberay" in world.down
    later = replace(world, now=world.now + timedelta(seconds=1))
    assert stable(seen[-1], drawn, world) == stable(seen[-1], drawn, later)


def stable(answer: Answer, drawn: Drawn, world: World) -> Any:
    """What is said a second later of the same world."""
    case, resource = a_case(drawn, world)
    wanted = (dict(manifest) for _, manifest in answer.desired.children)
    case = replace(case, world=replace(world, objects=tuple(map(as_live, wanted))))
    return decide(case, replace(resource, status=answer.summary.status)).summary.status
