"""Every case's answer is the one in its `expected.yaml`; `UPDATE_GOLDEN=1` writes them anew, for a person to read."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from soloist.kinds.registry import KINDS
from tests.golden.case import Case, all_cases, decide, load, render

IDS = {folder: f"{folder.parent.name}/{folder.name}" for folder in all_cases()}
EVERY = pytest.mark.parametrize("folder", list(IDS), ids=IDS.get)
# A decision is recorded first and acted on in the next reconcile; after so many the world must be at rest.
ROUNDS = 5


@EVERY
def test_the_answer_is_as_expected(folder: Path) -> None:
    text = render(decide(load(folder)))
    expected = folder / "expected.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text)
    assert text == expected.read_text()


@EVERY
def test_in_a_world_that_stands_still_the_status_does(folder: Path) -> None:
    said = states(load(folder))
    assert said[-1] == said[-2], f"still changing after {ROUNDS} rounds"


@EVERY
def test_every_manifest_is_json(folder: Path) -> None:
    answer = decide(load(folder))
    manifests = [manifest for _, manifest in answer.desired.children]
    assert json.loads(json.dumps(manifests, allow_nan=False)) == manifests
    status = answer.summary.status.manifest()
    assert json.loads(json.dumps(status, allow_nan=False)) == status


def states(case: Case) -> list[object]:
    """What the object says from one reconcile to the next, if nothing else in the world moves."""
    said, resource = [], case.resource
    for _ in range(ROUNDS):
        status = decide(case, resource).summary.status
        said.append(status.manifest())
        resource = replace(resource, status=status)
    return said


def test_every_kind_has_cases() -> None:
    assert {folder.parent.name for folder in IDS} == {kind.ref.kind.lower() for kind in KINDS}
