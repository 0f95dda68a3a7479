"""The kinds as the API server serves them: accepted whole, defaulted, explained, listed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from soloist.api.crd import root
from soloist.api.parse import Resource, parse
from soloist.api.resources import KINDS, ResourceKind
from tests.cluster.apiserver import ControlPlane
from tests.support.any_spec import any_manifest

ROOT = Path(__file__).resolve().parents[2]
GOOD = sorted((Path(__file__).parent / "accepted").glob("*.yaml"))
EXAMPLES = sorted((ROOT / "workloads/examples").glob("*/project.yaml"))
BY_KIND = {kind.kind: kind for kind in KINDS}
EACH = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)


def applied(plane: ControlPlane, namespace: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    text = json.dumps(manifest)
    told = plane.kubectl("apply", "-n", namespace, "-f", "-", "-o", "json", text=text)
    live: dict[str, Any] = json.loads(told)
    return live


def parsed(body: Mapping[str, Any]) -> Resource[Any, Any]:
    kind = BY_KIND[body["kind"]]
    resource = parse(body, kind.spec, kind.status)
    assert isinstance(resource, Resource), resource.message
    return resource


def paths(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, child in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from paths(child.get("items", child), f"{path}.{name}")


def used(value: Any, path: str) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            for name, child in item.items():
                yield f"{path}.{name}"
                yield from used(child, f"{path}.{name}")


@EACH
def test_a_crd_is_accepted_without_a_complaint(plane: ControlPlane, kind: ResourceKind) -> None:
    crd = json.loads(plane.kubectl("get", "crd", f"{kind.plural}.soloist.dev", "-o", "json"))
    conditions = {one["type"]: one["status"] for one in crd["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


@pytest.mark.parametrize(
    "path", GOOD + EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_a_good_manifest_is_taken_as_it_is_meant(
    plane: ControlPlane, namespace: str, path: Path
) -> None:
    manifest = yaml.safe_load(path.read_text())
    live = applied(plane, namespace, manifest)
    assert parsed(live).spec == parsed({**manifest, "metadata": live["metadata"]}).spec


def test_the_good_manifests_set_every_field() -> None:
    bodies = [yaml.safe_load(path.read_text()) for path in GOOD]
    for kind in KINDS:
        known = set(paths(root(kind)["properties"]["spec"], "spec"))
        set_somewhere = {
            name
            for body in bodies
            if body["kind"] == kind.kind
            for name in used(body["spec"], "spec")
        }
        # One source, storage, baseline and way in at a time; all of their fields are set in one kind or the other.
        either = "rollout\\.shadow|gateway\\.auth|gateway\\.expose|baseline|batch\\.storage"
        choice = re.compile(rf"^spec\.(source|storage|env|(endpoint\.)?({either}))\b")
        assert {name for name in known - set_somewhere if not choice.match(name)} == set()


def test_defaults_appear_in_the_live_object(plane: ControlPlane, namespace: str) -> None:
    minimal = yaml.safe_load((ROOT / "workloads/examples/minimal/project.yaml").read_text())
    spec = applied(plane, namespace, minimal)["spec"]
    assert spec == {
        "source": {"configMap": "minimal-code"},
        "pipeline": {
            "concurrencyPolicy": "Forbid",
            "history": {"failed": 3, "succeeded": 5},
            "runOnChange": True,
            "startingDeadline": "1h",
            "suspend": False,
            "steps": [
                {
                    "name": "train",
                    "command": "python train.py",
                    "cpu": "1",
                    "memory": "2Gi",
                    "retries": 1,
                    "timeout": "12h",
                }
            ],
        },
        "endpoint": {
            "allowPickle": False,
            "cpu": "100m",
            "failover": ["previous"],
            "gateway": {"replicas": 2, "timeout": "15s"},
            "memory": "1Gi",
            "replicas": {"min": 1, "inFlight": 4, "idleAfter": "10m", "wakeTimeout": "1m"},
        },
    }


def test_any_valid_spec_is_accepted_and_read_back_the_same(plane: ControlPlane) -> None:
    @given(any_manifest())
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def check(drawn: tuple[ResourceKind, dict[str, Any]]) -> None:
        _, body = drawn
        told = plane.kubectl(
            "create", "--dry-run=server", "-f", "-", "-o", "json", text=json.dumps(body)
        )
        assert parsed(json.loads(told)).spec == parsed(body).spec

    check()


@EACH
def test_what_we_say_of_an_object_is_stored_as_we_said_it(
    plane: ControlPlane, namespace: str, kind: ResourceKind
) -> None:
    body = next(
        body for path in GOOD if (body := yaml.safe_load(path.read_text()))["kind"] == kind.kind
    )
    applied(plane, namespace, body)
    status = {
        **kind.status().manifest(),
        "observedGeneration": 1,
        "summary": "All is well.",
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Ready",
                "message": "All is well.",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
                "observedGeneration": 1,
            }
        ],
    }
    patch = json.dumps({"status": status})
    where = (f"{kind.plural}.soloist.dev", body["metadata"]["name"], "-n", namespace)
    plane.kubectl("patch", *where, "--subresource=status", "--type=merge", "-p", patch)
    assert json.loads(plane.kubectl("get", *where, "-o", "json"))["status"] == status


@EACH
def test_a_kind_is_found_by_its_names(
    plane: ControlPlane, namespace: str, kind: ResourceKind
) -> None:
    for name in {kind.singular, kind.plural, kind.short}:
        plane.kubectl("get", name, "-n", namespace)
    told = plane.kubectl("api-resources", "--categories=soloist", "-o", "name")
    assert f"{kind.plural}.soloist.dev" in told.split()


@EACH
def test_the_columns_of_a_list_have_their_headings(
    plane: ControlPlane, namespace: str, kind: ResourceKind
) -> None:
    body = next(
        body for path in GOOD if (body := yaml.safe_load(path.read_text()))["kind"] == kind.kind
    )
    applied(plane, namespace, body)
    head = plane.kubectl("get", kind.plural, "-n", namespace).splitlines()[0]
    wanted = [column.name.upper() for column in kind.columns if not column.priority]
    assert re.split(r"\s{2,}", head.strip()) == ["NAME", *wanted]


@EACH
def test_objects_are_selected_by_their_fields(
    plane: ControlPlane, namespace: str, kind: ResourceKind
) -> None:
    for path in kind.selectable:
        selector = f"{path.removeprefix('.')}=nothing"
        plane.kubectl("get", kind.plural, "-n", namespace, "--field-selector", selector)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("project", "A whole project of one data scientist"),
        ("project.spec.source", "Where the code comes from"),
        ("project.spec.pipeline.steps", "Steps that must have succeeded before this one starts; each must be listed above it"),
        ("project.spec.pipeline.steps", "Shell command to run in the folder of the code, for example `python train.py`"),
        ("project.spec.pipeline.steps", "The steps, in order. They share one Ray cluster"),
        ("project.spec.pipeline.concurrencyPolicy", "What happens when a Run is due while another still runs"),
        ("run.status.steps.log", "The last lines that it printed"),
        ("modelendpoint.spec.replicas.min", "With two or more, a lost machine or pod is not noticed"),
    ],
)  # fmt: skip
def test_kubectl_explains_a_field(plane: ControlPlane, path: str, words: str) -> None:
    group = ("--api-version=soloist.dev/v1alpha1",)
    assert words in " ".join(plane.kubectl("explain", path, *group).split())
