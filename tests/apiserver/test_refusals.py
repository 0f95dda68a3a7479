"""A bad manifest is refused at `kubectl apply`, with a sentence that names the field and says what to do."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.apiserver import ControlPlane

FOLDER = Path(__file__).parent / "refusals"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A bad manifest and what is said of it."""

    story: str
    manifest: dict[str, Any]
    field: str
    says: str


def refusals() -> list[Refusal]:
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        table = yaml.safe_load(path.read_text())
        for case in table["cases"]:
            manifest = changed(table["base"], case["set"])
            story = f"{path.stem}: {case['story']}"
            found.append(Refusal(story, manifest, case["field"], case["says"]))
    return found


def changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    manifest = copy.deepcopy(base)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = manifest
        for name in parents:
            place = place.setdefault(name, {})
        if value is None:
            del place[last]
        else:
            place[last] = repeated(value)
    return manifest


def repeated(value: Any) -> Any:
    if not isinstance(value, dict) or "repeat" not in value:
        return value
    item = json.dumps(value["item"])
    return [json.loads(item.replace("{}", str(number))) for number in range(value["repeat"])]


@pytest.mark.parametrize("refusal", refusals(), ids=lambda refusal: refusal.story)
def test_a_bad_manifest_is_refused_in_words(plane: ControlPlane, refusal: Refusal) -> None:
    manifest = json.dumps(refusal.manifest)
    said = plane.kubectl("apply", "--dry-run=server", "-f", "-", text=manifest, check=False)
    place = f"{refusal.field}: " if refusal.field else ""
    told = [line[line.index(place) :] for line in said.splitlines() if place in line]
    assert any(refusal.says in line for line in told), said


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_manifest_that_the_bad_ones_start_from_is_good(plane: ControlPlane, path: Path) -> None:
    base = json.dumps(yaml.safe_load(path.read_text())["base"])
    assert "created" in plane.kubectl("apply", "--dry-run=server", "-f", "-", text=base)


RUN = """
apiVersion: soloist.dev/v1alpha1
kind: Run
metadata: {name: done-once}
spec:
  source: {configMap: flights-code}
  steps: [{name: train, command: python train.py, params: {rate: 0.1}}]
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [("python train.py", "python tune.py"), ("rate: 0.1", "rate: 0.2"), ("flights-code", "other")],
    ids=["its command", "a parameter, which CEL can't see", "its source"],
)
def test_a_run_never_changes(plane: ControlPlane, namespace: str, old: str, new: str) -> None:
    plane.kubectl("apply", "-n", namespace, "-f", "-", text=RUN)
    said = plane.kubectl(
        "apply", "-n", namespace, "-f", "-", text=RUN.replace(old, new), check=False
    )
    assert "spec: " in said
    assert "a Run never changes once it exists: create another Run" in said


ENDPOINT = """
apiVersion: soloist.dev/v1alpha1
kind: ModelEndpoint
metadata:
  name: door
spec:
  model: demo.flights
"""


def test_an_endpoint_never_changes_its_model(plane: ControlPlane, namespace: str) -> None:
    plane.kubectl("apply", "-n", namespace, "-f", "-", text=ENDPOINT)
    said = plane.kubectl(
        "apply", "-n", namespace, "-f", "-", text=ENDPOINT.replace("flights", "other"), check=False
    )
    assert "model of a ModelEndpoint never changes: create another ModelEndpoint" in said


def test_a_run_may_get_labels_and_be_deleted(plane: ControlPlane, namespace: str) -> None:
    plane.kubectl("apply", "-n", namespace, "-f", "-", text=RUN)
    plane.kubectl("label", "-n", namespace, "run.soloist.dev/done-once", "team=flights")
    plane.kubectl("delete", "-n", namespace, "run.soloist.dev/done-once")
