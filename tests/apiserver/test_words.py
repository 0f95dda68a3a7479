"""The API server's own words are what the sentences are chosen by."""

from __future__ import annotations

import pytest

from soloist.adapters.kube_client import KubeCluster
from soloist.control.ports import ClusterError
from soloist.control.words import failure
from soloist.core.objects import CONFIG_MAP, ObjectRef
from tests.cluster.apiserver import ControlPlane

pytestmark = pytest.mark.asyncio


async def test_in_a_namespace_that_is_being_deleted_there_is_nothing_to_correct(
    plane: ControlPlane, cluster: KubeCluster, namespace: str
) -> None:
    plane.kubectl("delete", "namespace", namespace, "--wait=false")
    ref = ObjectRef(CONFIG_MAP, namespace, "late")
    meta = {"name": ref.name, "namespace": namespace}
    with pytest.raises(ClusterError) as refused:
        await cluster.create(ref, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    assert "There is nothing to correct" in failure(refused.value, ref).message
