"""Questions and their answers, the missing ones included."""

from __future__ import annotations

import base64

import pytest

from soloist.control.observe import observe
from soloist.control.ports import ClusterError
from soloist.core.effects import FindModel, GetObject, ListObjects, ResolveGit, TailLog
from soloist.core.objects import CONFIG_MAP, POD, RAY_CLUSTER, SECRET
from tests.support.fake_ports import START, World

pytestmark = pytest.mark.asyncio
COMMIT = "a" * 40
LOG = TailLog("here", (("run", "one"),), "ray-head", "train | ", lines=2)


def add_pod(world: World, name: str, created: str) -> None:
    meta = {"name": name, "namespace": "here", "labels": {"run": "one"}}
    world.cluster.add(POD, {"metadata": {**meta, "creationTimestamp": created}, "spec": {}})


async def test_now_is_a_fact() -> None:
    assert (await observe((), World().ports)).now == START


async def test_kuberay_missing_is_an_answer_with_the_remedy() -> None:
    world, read = World(), ListObjects(RAY_CLUSTER, "here", ())
    world.cluster.missing = {RAY_CLUSTER}
    problem = (await observe([read], world.ports)).problem(read)
    assert problem is not None
    assert problem.reason == "KubeRayMissing"
    assert "helm install kuberay-operator" in problem.message


async def test_mlflow_down_is_an_answer() -> None:
    world, read = World(), FindModel("m")
    world.tracking.down = True
    seen = await observe([read], world.ports)
    assert seen.model(read) is None
    assert [problem.reason for problem in seen.problems()] == ["MLflowUnreachable"]


async def test_an_api_server_that_does_not_answer_is_none() -> None:
    class Down:
        async def get(self, ref: object) -> None:
            raise ClusterError("down", code=503)

    world = World()
    world.cluster = Down()  # type: ignore[assignment]  # one method is enough here
    with pytest.raises(ClusterError):
        await observe([GetObject(CONFIG_MAP, "here", "x")], world.ports)


async def test_the_tail_is_of_the_newest_pod_and_of_one_step() -> None:
    world = World()
    add_pod(world, "old", "2026-01-01T00:00:00Z")
    add_pod(world, "new", "2026-01-01T00:00:01Z")
    world.cluster.logs["here", "old", "ray-head"] = "train | old"
    text = "train | 1\nprepare | x\ntrain | 2\ntrain | 3\nnoise"
    world.cluster.logs["here", "new", "ray-head"] = text
    assert (await observe([LOG], world.ports)).lines(LOG) == ("2", "3")


async def test_no_pod_no_lines() -> None:
    assert (await observe([LOG], World().ports)).lines(LOG) == ()


async def test_git_is_asked_with_the_secret() -> None:
    world = World()
    read = ResolveGit("https://example.com/x.git", "main", "here", "login")
    problem = (await observe([read], world.ports)).problem(read)
    assert problem is not None
    assert problem.reason == "SecretMissing"
    data = {
        k: base64.b64encode(v).decode() for k, v in (("username", b"ada"), ("password", b"p\n"))
    }
    world.cluster.add(SECRET, {"metadata": {"name": "login", "namespace": "here"}, "data": data})
    world.git.commits["https://example.com/x.git", "main"] = COMMIT
    assert (await observe([read], world.ports)).commit(read) == COMMIT
    assert world.git.asked == [("https://example.com/x.git", "main", ("ada", "p"))]
