"""Killed after any one write, the operator reaches the same end, and does nothing twice."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable

import pytest

from tests.support.cut import Knife
from tests.support.demo import Demo, FakePeople
from tests.support.fake_cluster import FakeCluster
from tests.support.fake_ports import FakeClock

Chapter = Callable[[Demo, Knife | None], Awaitable[int]]
CHAPTERS: dict[str, tuple[Chapter, ...]] = {
    "apply": (Demo.apply,),
    "edit": (Demo.apply, Demo.edit),
    "delete": (Demo.apply_endless, Demo.delete),
}


async def opened(name: str) -> Demo:
    """The story until its last chapter."""
    clock = FakeClock()
    cluster = FakeCluster(clock=clock)
    it = Demo(cluster, FakePeople(cluster), "here", clock)
    for chapter in CHAPTERS[name][:-1]:
        await chapter(it, None)
    return it


async def told(name: str) -> Demo:
    """The whole story, uncut."""
    it = await opened(name)
    await CHAPTERS[name][-1](it, None)
    return it


def test_a_project_comes_to_a_served_model() -> None:
    async def main() -> None:
        it = await told("apply")
        world = await it.picture()
        assert world["MLflow runs"] == ["FINISHED"]
        assert world["MLflow models"] == {"(namespace).flights": {"champion": "1"}}
        assert world["ModelEndpoint flights"]["status"]["served"]["version"] == "1"
        assert not [name for name in world if name.startswith(("RayCluster", "RayJob"))]

    asyncio.run(main())


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_cut_after_any_write_leads_to_the_same_end(name: str) -> None:
    async def main() -> None:
        start, last = await opened(name), CHAPTERS[name][-1]
        uncut = copy.deepcopy(start)
        writes = await last(uncut, None)
        wanted = await uncut.picture()
        assert writes > 0
        for k in range(1, writes + 1):
            it = copy.deepcopy(start)
            await last(it, Knife(k))
            assert await it.picture() == wanted, f"cut after write {k} of {writes}"

    asyncio.run(main())


@pytest.mark.parametrize("name", ["apply", "edit"])
def test_at_rest_nothing_is_written(name: str) -> None:
    async def main() -> None:
        it = await told(name)
        assert await it.story.settle() == 0

    asyncio.run(main())


def test_deleting_a_project_under_way_ends_its_mlflow_run_and_leaves_the_code() -> None:
    async def main() -> None:
        it = await told("delete")
        world = await it.picture()
        assert sorted(world) == ["ConfigMap code", "MLflow models", "MLflow runs"]
        assert world["MLflow runs"] == ["KILLED"]

    asyncio.run(main())


def test_deleting_a_finished_project_keeps_the_registered_model() -> None:
    async def main() -> None:
        it = await told("apply")
        await it.delete()
        world = await it.picture()
        assert sorted(world) == ["ConfigMap code", "MLflow models", "MLflow runs"]
        assert world["MLflow models"] == {"(namespace).flights": {"champion": "1"}}

    asyncio.run(main())
