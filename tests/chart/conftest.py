"""One Helm and one API server for the whole run of this tier."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.chart.helm import Helm, Manifest, Release
from tests.cluster.apiserver import ControlPlane
from tests.cluster.binaries import ensure_built

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(ensure_built() / "helm", tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def rendered(helm: Helm) -> Callable[[str], list[Manifest]]:
    """A profile's manifests, rendered once."""
    known: dict[str, list[Manifest]] = {}

    def render(profile: str) -> list[Manifest]:
        if profile not in known:
            known[profile] = helm.render(profile)
        return known[profile]

    return render


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """etcd, the API server and the controllers: StatefulSets make claims, Deployments make pods (which nothing runs)."""
    with ControlPlane(controller_manager=True) as plane:
        yield plane


@pytest.fixture
def restricted_namespace(plane: ControlPlane) -> str:
    """A new namespace that lets only `restricted` pods in."""
    name = f"chart-{next(_numbers)}"
    plane.kubectl("create", "namespace", name)
    plane.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    return name


@pytest.fixture
def release(helm: Helm, plane: ControlPlane, restricted_namespace: str) -> Iterator[Release]:
    """A release that isn't installed yet. What it leaves in the cluster's own scope is removed, as the next test's would collide."""
    yield Release(helm, plane.kubeconfig_path, restricted_namespace)
    mine = "app.kubernetes.io/part-of=soloist"
    plane.kubectl(
        "delete",
        "customresourcedefinitions,clusterroles,clusterrolebindings,"
        "validatingadmissionpolicies,validatingadmissionpolicybindings",
        f"--selector={mine}",
    )
    plane.kubectl("delete", "namespace", restricted_namespace, "--wait=false")
