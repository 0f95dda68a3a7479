"""A whole project on a real API server, cut after every single write: the same end, and nothing done twice."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

from soloist.adapters.kube_client import KubeCluster
from soloist.adapters.kube_transport import Transport
from soloist.core.objects import PROJECT, SERVICE, ObjectRef
from tests.apiserver.people import RealPeople
from tests.cluster.apiserver import ControlPlane
from tests.support.cut import Knife
from tests.support.demo import Demo
from tests.support.fake_ports import FakeClock

pytestmark = pytest.mark.asyncio
Chapter = Callable[[Demo, Knife | None], Awaitable[int]]
CHAPTERS: dict[str, tuple[Chapter, ...]] = {
    "apply": (Demo.apply,),
    "edit": (Demo.apply, Demo.edit),
    "delete": (Demo.apply_endless, Demo.delete),
}
# The edit repeats the first chapter for each cut; here every fifth, and every one on the fake (tests/property).
STEPS = {"apply": 1, "edit": 5, "delete": 1}
AT_ONCE = 4
_numbers = itertools.count(1)


def opened(plane: ControlPlane, transport: Transport) -> Demo:
    """A project's namespace, empty."""
    namespace = f"demo-{next(_numbers)}"
    plane.kubectl("create", "namespace", namespace)
    cluster, people = KubeCluster(transport), RealPeople(transport)
    return Demo(cluster, people, namespace, FakeClock())


async def told(it: Demo, chapters: tuple[Chapter, ...], knife: Knife | None = None) -> int:
    """The chapters in their order; the knife is for the last one."""
    for chapter in chapters[:-1]:
        await chapter(it, None)
    return await chapters[-1](it, knife)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", CHAPTERS)
async def test_a_cut_after_any_write_leads_to_the_same_end(
    name: str, kuberay: ControlPlane, transport: Transport
) -> None:
    uncut = opened(kuberay, transport)
    writes = await told(uncut, CHAPTERS[name])
    wanted = await uncut.picture()
    assert writes > 0
    turns = asyncio.Semaphore(AT_ONCE)

    async def cut_after(k: int) -> None:
        async with turns:
            it = await asyncio.to_thread(opened, kuberay, transport)
            await told(it, CHAPTERS[name], Knife(k))
            assert await it.picture() == wanted, f"cut after write {k} of {writes}"

    async with asyncio.TaskGroup() as group:
        for k in range(1, writes + 1, STEPS[name]):
            group.create_task(cut_after(k))


async def test_an_unchanged_project_makes_no_write(
    kuberay: ControlPlane, transport: Transport
) -> None:
    it = opened(kuberay, transport)
    await it.apply()
    before = len(kuberay.writes())
    assert await it.story.settle() == 0
    assert kuberay.writes()[before:] == []


async def test_what_someone_deletes_or_edits_is_restored(
    kuberay: ControlPlane, transport: Transport
) -> None:
    it = opened(kuberay, transport)
    await it.apply()
    wanted = await it.picture()
    service = ObjectRef(SERVICE, it.namespace, "flights")
    kuberay.kubectl("-n", it.namespace, "delete", "deployments,networkpolicies,pdb", "--all")
    kuberay.kubectl("-n", it.namespace, "patch", "service", service.name, "--type=merge",
                    "-p", '{"spec": {"selector": {"soloist.dev/version": "99"}}}')  # fmt: skip
    await it.story.settle()
    assert await it.picture() == wanted


async def test_a_stranger_is_left_alone_named_and_makes_room(
    kuberay: ControlPlane, transport: Transport
) -> None:
    it = opened(kuberay, transport)
    kuberay.kubectl("-n", it.namespace, "create", "service", "clusterip", "flights", "--tcp=1")
    stranger = await it.cluster.get(ObjectRef(SERVICE, it.namespace, "flights"))
    await it.apply()
    project = await it.cluster.get(ObjectRef(PROJECT, it.namespace, "flights"))
    assert project is not None
    assert f"Service {it.namespace}/flights exists already" in project["status"]["summary"]
    assert await it.cluster.get(ObjectRef(SERVICE, it.namespace, "flights")) == stranger
    kuberay.kubectl("-n", it.namespace, "delete", "service", "flights")
    await it.story.settle()
    healed = await it.cluster.get(ObjectRef(PROJECT, it.namespace, "flights"))
    assert healed is not None
    assert healed["status"]["stage"] == "Serving"
