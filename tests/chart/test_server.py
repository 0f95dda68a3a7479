"""What the API server thinks of the rendered chart: schemas, Pod Security, RBAC."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import PROFILES, Manifest, containers, pod_specs
from tests.chart.schemas import LOCATION, write_schemas
from tests.cluster.apiserver import ControlPlane
from tests.cluster.binaries import ensure_built

Rendered = Callable[[str], list[Manifest]]
every_profile = pytest.mark.parametrize("name", PROFILES)
FORBIDDEN_VERBS = {"*", "escalate", "bind", "impersonate"}


@pytest.fixture(scope="module")
def schemas(
    plane: ControlPlane, rendered: Rendered, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("schemas")
    versions = {str(manifest["apiVersion"]) for name in PROFILES for manifest in rendered(name)}
    write_schemas(plane, folder, versions)
    return folder


def kubeconform(schemas: Path, manifests: list[Manifest]) -> dict[str, Any]:
    done = subprocess.run(
        [
            ensure_built() / "kubeconform",
            "-strict",
            "-summary",
            "-output=json",
            f"-schema-location={schemas}/{LOCATION}",
        ],
        input=yaml.safe_dump_all(manifests),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


@every_profile
def test_kubeconform_finds_every_object_valid(schemas: Path, rendered: Rendered, name: str) -> None:
    answer = kubeconform(schemas, rendered(name))
    assert answer.get("resources", []) == []
    assert answer["summary"] == {
        "valid": len(rendered(name)),
        "invalid": 0,
        "errors": 0,
        "skipped": 0,
    }


def test_kubeconform_would_find_a_misspelt_field(schemas: Path, rendered: Rendered) -> None:
    (operator,) = [
        m
        for m in rendered("default")
        if m["kind"] == "Deployment" and "operator" in m["metadata"]["name"]
    ]
    wrong = json.loads(json.dumps(operator))
    wrong["spec"]["template"]["spec"]["containers"][0]["imagePulPolicy"] = "Always"
    assert kubeconform(schemas, [wrong])["summary"]["invalid"] == 1


@every_profile
def test_pod_security_restricted_lets_every_pod_in(
    plane: ControlPlane, restricted_namespace: str, rendered: Rendered, name: str
) -> None:
    for number, (owner, spec) in enumerate(pod_specs(rendered(name)).items()):
        assert dry_run(plane, restricted_namespace, f"pod-{number}", spec).startswith("pod/"), owner


def test_pod_security_restricted_would_keep_a_root_pod_out(
    plane: ControlPlane, restricted_namespace: str, rendered: Rendered
) -> None:
    spec = json.loads(json.dumps(pod_specs(rendered("default"))["StatefulSet/soloist-postgres"]))
    spec["securityContext"]["runAsUser"] = 0
    spec["securityContext"]["runAsNonRoot"] = False
    assert 'violates PodSecurity "restricted' in dry_run(plane, restricted_namespace, "root", spec)


def dry_run(plane: ControlPlane, namespace: str, name: str, spec: Manifest) -> str:
    # Accounts and priorities that the pod names may not exist here; they play no part in Pod Security.
    rest = {
        key: value
        for key, value in spec.items()
        if key not in ("serviceAccountName", "priorityClassName")
    }
    # A claim template's volume is added by the StatefulSet controller.
    volumes = {volume["name"] for volume in rest.get("volumes", [])}
    wanted = {
        mount["name"]
        for container in containers(spec)
        for mount in container.get("volumeMounts", [])
    }
    claims = [
        {"name": v, "persistentVolumeClaim": {"claimName": v}} for v in sorted(wanted - volumes)
    ]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {**rest, "volumes": [*rest.get("volumes", []), *claims]},
    }
    return plane.kubectl(
        "create", "--dry-run=server", "--output=name", "-f", "-", text=json.dumps(pod), check=False
    )


@every_profile
def test_pods_go_beyond_what_restricted_asks(rendered: Rendered, name: str) -> None:
    for owner, pod in pod_specs(rendered(name)).items():
        assert pod.get("automountServiceAccountToken") is owner.endswith("-operator"), owner
        assert pod["enableServiceLinks"] is False
        for container in containers(pod):
            security, resources = container["securityContext"], container["resources"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}
            for resource in ("cpu", "memory", "ephemeral-storage"):
                assert resource in resources["requests"], f"{owner}: no request of {resource}"
                assert resource in resources["limits"], f"{owner}: no limit of {resource}"


@every_profile
def test_accounts_mount_no_token_by_themselves(rendered: Rendered, name: str) -> None:
    for account in (m for m in rendered(name) if m["kind"] == "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


@every_profile
def test_no_role_says_everything(rendered: Rendered, name: str) -> None:
    roles = [m for m in rendered(name) if m["kind"] in ("Role", "ClusterRole")]
    assert {m["kind"] for m in roles} == {"Role", "ClusterRole"}
    for role in roles:
        for rule in role["rules"]:
            assert not FORBIDDEN_VERBS & set(rule["verbs"]), rule
            assert "*" not in rule.get("resources", []), rule
            assert "*" not in rule.get("apiGroups", []), rule
            assert not rule.get("nonResourceURLs"), rule


@every_profile
def test_every_binding_names_a_role_and_an_account_of_the_chart(
    rendered: Rendered, name: str
) -> None:
    manifests = rendered(name)
    known = {(m["kind"], m["metadata"]["name"]) for m in manifests}
    for binding in (m for m in manifests if m["kind"] in ("RoleBinding", "ClusterRoleBinding")):
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in known
        for subject in binding["subjects"]:
            assert (subject["kind"], subject["name"]) in known
            assert subject["namespace"] == "soloist-system"
