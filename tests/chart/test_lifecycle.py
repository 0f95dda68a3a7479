"""Install, upgrade, uninstall and install again, on a real API server."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chart.helm import CHART, Refused, Release
from tests.chart.view import View
from tests.cluster.apiserver import ControlPlane

KINDS = ("modelendpoints", "pipelines", "projects", "runs")


@pytest.fixture
def view(plane: ControlPlane, release: Release) -> View:
    return View(plane, release.namespace)


def kinds(plane: ControlPlane) -> set[str]:
    found = json.loads(plane.kubectl("get", "customresourcedefinitions", "--output=json"))
    return {
        crd["spec"]["names"]["plural"]
        for crd in found["items"]
        if crd["spec"]["group"] == "soloist.dev"
    }


def chart_with(tmp_path: Path, edit: Callable[[Path], None], version: str = "0.2.0") -> Path:
    """The next version of the chart."""
    copy = tmp_path / "soloist"
    shutil.copytree(CHART, copy)
    about = copy / "Chart.yaml"
    about.write_text(
        re.sub(r"^version: .*$", f"version: {version}", about.read_text(), flags=re.MULTILINE)
    )
    edit(copy)
    return copy


def test_an_install_brings_the_kinds_and_pods_that_admission_accepts(
    release: Release, plane: ControlPlane, view: View
) -> None:
    notes = release.upgrade()
    assert kinds(plane) == set(KINDS)
    plane.kubectl(
        "wait",
        "--for=condition=Established",
        *[f"crd/{kind}.soloist.dev" for kind in KINDS],
        "--timeout=10s",
    )
    # The namespace enforces `restricted`: pods exist only if the controllers' were let in.
    owners = ("soloist-operator-", "soloist-mlflow-", "soloist-postgres-0")
    view.eventually(
        lambda: all(any(pod.startswith(owner) for pod in view.names("pods")) for owner in owners)
    )
    assert len([pod for pod in view.names("pods") if pod.startswith("soloist-operator-")]) == 2
    assert "kubectl get projects" in notes
    assert "KubeRay is not installed" in notes


def test_the_notes_say_nothing_about_kuberay_where_it_is(
    release: Release, plane: ControlPlane, kuberay: None
) -> None:
    assert "KubeRay" not in release.upgrade()


def test_an_upgrade_keeps_passwords_and_restarts_nothing_that_did_not_change(
    release: Release, view: View, tmp_path: Path
) -> None:
    values = {"mlflow": {"auth": {"enabled": True}}}

    def state() -> dict[str, Any]:
        secrets = {
            s["metadata"]["name"]: s["data"]
            for s in view.get("secrets")["items"]
            if s["type"] == "Opaque"
        }
        generations = {
            f"{what}/{item['metadata']['name']}": item["metadata"]["generation"]
            for what in ("deployments", "statefulsets")
            for item in view.get(what)["items"]
        }
        return {"secrets": secrets, "generations": generations}

    release.upgrade(values=values)
    before = state()
    assert set(before["secrets"]) == {"soloist-postgres", "soloist-mlflow-auth"}
    release.upgrade(values=values, chart=chart_with(tmp_path, lambda chart: None))
    assert state() == before


def test_a_changed_setting_of_the_platform_rolls_the_operator_only(
    release: Release, view: View
) -> None:
    def generations() -> dict[str, int]:
        return {
            d["metadata"]["name"]: d["metadata"]["generation"]
            for d in view.get("deployments")["items"]
        }

    release.upgrade()
    before = generations()
    release.upgrade(values={"platform": {"gitPollSeconds": 30}})
    assert generations() == {**before, "soloist-operator": before["soloist-operator"] + 1}


def test_an_upgrade_brings_a_changed_kind(
    release: Release, plane: ControlPlane, tmp_path: Path
) -> None:
    release.upgrade()

    def edit(chart: Path) -> None:
        (crd,) = [
            path
            for path in (chart / "templates" / "crds").glob("*.yaml")
            if "projects.soloist.dev" in path.read_text()
        ]
        crd.write_text(
            crd.read_text().replace("shortNames:", "shortNames:\n    - changedproject", 1)
        )

    release.upgrade(chart=chart_with(tmp_path, edit))
    assert "changedproject" in plane.kubectl(
        "get", "crd", "projects.soloist.dev", "--output=jsonpath={.spec.names.shortNames}"
    )


def test_an_uninstall_keeps_kinds_volumes_and_passwords_and_a_new_install_takes_them_over(
    release: Release, plane: ControlPlane, view: View
) -> None:
    release.upgrade()
    view.eventually(lambda: "data-soloist-postgres-0" in view.names("persistentvolumeclaims"))
    password = view.get("secret/soloist-postgres")["data"]
    kind = plane.kubectl("get", "crd", "projects.soloist.dev", "--output=jsonpath={.metadata.uid}")

    release.uninstall()
    assert kinds(plane) == set(KINDS)
    assert view.names("persistentvolumeclaims") == {
        "data-soloist-postgres-0",
        "soloist-mlflow-artifacts",
    }
    assert view.get("secret/soloist-postgres")["data"] == password
    for gone in (
        "deployments",
        "statefulsets",
        "services",
        "networkpolicies",
        "poddisruptionbudgets",
        "roles",
    ):
        view.eventually(lambda gone=gone: not view.names(gone))  # type: ignore[misc]  # mypy can't infer a lambda's default

    release.upgrade()
    assert view.get("secret/soloist-postgres")["data"] == password
    assert (
        plane.kubectl("get", "crd", "projects.soloist.dev", "--output=jsonpath={.metadata.uid}")
        == kind
    )


def test_an_uninstall_takes_the_kinds_along_where_the_values_say_so(
    release: Release, plane: ControlPlane, view: View
) -> None:
    release.upgrade(values={"crds": {"keep": False}})
    release.uninstall()
    view.eventually(lambda: not kinds(plane))


def test_a_release_of_another_name_takes_over_only_when_told_to(
    release: Release, plane: ControlPlane
) -> None:
    release.upgrade()
    release.uninstall()
    successor = Release(release.helm, release.kubeconfig, release.namespace, name="soloist-two")
    with pytest.raises(Refused, match="invalid ownership metadata"):
        successor.upgrade()
    successor.upgrade("--take-ownership")
    assert kinds(plane) == set(KINDS)
    successor.uninstall()


def test_the_operators_account_may_hold_its_lease_and_nobodys_else(
    release: Release, plane: ControlPlane
) -> None:
    release.upgrade()
    account = f"--as=system:serviceaccount:{release.namespace}:soloist-operator"

    def may(*words: str) -> bool:
        return plane.kubectl("auth", "can-i", account, *words, check=False).strip() == "yes"

    assert may("create", "leases.coordination.k8s.io", f"--namespace={release.namespace}")
    assert may(
        "update", "leases.coordination.k8s.io/soloist-operator", f"--namespace={release.namespace}"
    )
    assert not may(
        "update", "leases.coordination.k8s.io/another", f"--namespace={release.namespace}"
    )
    assert not may("create", "leases.coordination.k8s.io", "--namespace=kube-system")
    assert not may("create", "clusterrolebindings.rbac.authorization.k8s.io")
    # It reads a Git server's credentials by the name in a spec; it can't look around for others.
    assert not may("list", "secrets", "--all-namespaces")
    assert not may("delete", "customresourcedefinitions.apiextensions.k8s.io")


@pytest.fixture
def kuberay(plane: ControlPlane) -> Any:
    """The one kind of KubeRay's that the notes look for."""
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object"}},
    }
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "rayclusters.ray.io"},
        "spec": {
            "group": "ray.io",
            "scope": "Namespaced",
            "names": {
                "plural": "rayclusters",
                "singular": "raycluster",
                "kind": "RayCluster",
                "listKind": "RayClusterList",
            },
            "versions": [version],
        },
    }
    plane.kubectl("create", "-f", "-", text=json.dumps(crd))
    yield
    plane.kubectl("delete", "crd", "rayclusters.ray.io")
