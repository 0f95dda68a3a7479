"""Each suite here runs twice: on the fake that the other tests trust, and on the real thing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from soloist.adapters.kube_client import KubeCluster
from soloist.adapters.kube_transport import Transport, connect
from soloist.control.ports import Cluster
from soloist.core.objects import KindRef
from tests.cluster.apiserver import ControlPlane
from tests.support import toy
from tests.support.fake_cluster import FakeCluster

NOT_INSTALLED = KindRef("nowhere.example.com/v1", "Nothing", "nothings")


@pytest.fixture(scope="session")
def toys(plane: ControlPlane) -> ControlPlane:
    """The API server, with the toy kind."""
    plane.kubectl("apply", "--server-side", "-f", "-", text=json.dumps(toy.CRD))
    plane.kubectl("wait", "--for=condition=Established", f"crd/{toy.CRD['metadata']['name']}")
    return plane


@pytest_asyncio.fixture(params=["fake", "real"])
async def either(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Cluster, str]]:
    """A cluster and a namespace in it."""
    if request.param == "fake":
        yield FakeCluster(missing=[NOT_INSTALLED]), "here"
        return
    plane: ControlPlane = request.getfixturevalue("toys")
    namespace: str = request.getfixturevalue("namespace")
    transport = Transport(await connect(str(plane.kubeconfig_path)))
    yield KubeCluster(transport), namespace
    await transport.close()
