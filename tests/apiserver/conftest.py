"""One API server for the whole run of this tier; each test has a namespace of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from soloist.adapters.kube_client import KubeCluster
from soloist.adapters.kube_transport import Transport, connect
from tests.apiserver.mlflow_server import mlflow_server
from tests.cluster.apiserver import ControlPlane
from tests.cluster.binaries import ensure_built

CRDS = Path(__file__).resolve().parents[2] / "crds"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """etcd and the API server, with Soloist's kinds; no controllers: the rest of the world is played by the test."""
    with ControlPlane() as plane:
        if any(CRDS.glob("*.yaml")):
            plane.kubectl("apply", "--server-side", "-f", str(CRDS))
            plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        yield plane


@pytest.fixture(scope="module")
def kuberay(plane: ControlPlane) -> ControlPlane:
    """The API server, with KubeRay's kinds."""
    for crd in sorted((ensure_built() / "kuberay").glob("ray.io_*.yaml")):
        plane.kubectl("apply", "--server-side", "-f", str(crd))
    plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    return plane


@pytest.fixture
def namespace(plane: ControlPlane) -> str:
    """A new namespace."""
    name = f"test-{next(_numbers)}"
    plane.kubectl("create", "namespace", name)
    return name


@pytest_asyncio.fixture
async def transport(plane: ControlPlane) -> AsyncIterator[Transport]:
    """The operator's own way to the API server."""
    transport = Transport(await connect(str(plane.kubeconfig_path)))
    yield transport
    await transport.close()


@pytest.fixture
def cluster(transport: Transport) -> KubeCluster:
    """The operator's own adapter."""
    return KubeCluster(transport)


@pytest.fixture(scope="session")
def mlflow() -> Iterator[str]:
    """The address of a real tracking server."""
    with mlflow_server() as address:
        yield address
