"""A kind whose events never come is noticed, and only then."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from soloist.control.hearing import Deaf, Hearing
from soloist.core.objects import MANAGED_BY, MANAGER, POD, RUN, ObjectRef
from tests.support.fake_cluster import FakeCluster

AT_ONCE = timedelta(0)


async def test_objects_without_a_single_event_are_deafness() -> None:
    cluster = FakeCluster()
    await cluster.create(ObjectRef(RUN, "demo", "one"), _named("one"))
    with pytest.raises(Deaf, match="Run"):
        await Hearing([RUN], []).listen(cluster, AT_ONCE)


async def test_a_kind_that_was_heard_is_not_asked_about_again() -> None:
    cluster = FakeCluster()
    await cluster.create(ObjectRef(RUN, "demo", "one"), _named("one"))
    hearing = Hearing([RUN], [])
    hearing.heard(RUN)
    assert await _listens_on(hearing, cluster)


async def test_a_kind_without_objects_or_not_installed_may_be_silent() -> None:
    assert await _listens_on(Hearing([RUN], []), FakeCluster())
    assert await _listens_on(Hearing([RUN], []), FakeCluster(missing=[RUN]))


async def test_of_other_kinds_only_our_own_objects_count() -> None:
    cluster = FakeCluster()
    await cluster.create(ObjectRef(POD, "demo", "stranger"), _named("stranger"))
    assert await _listens_on(Hearing([], [POD]), cluster)
    ours = _named("ours") | {"metadata": {"name": "ours", "labels": {MANAGED_BY: MANAGER}}}
    await cluster.create(ObjectRef(POD, "demo", "ours"), ours)
    with pytest.raises(Deaf, match="Pod"):
        await Hearing([], [POD]).listen(cluster, AT_ONCE)


def _named(name: str) -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": "demo"}}


async def _listens_on(hearing: Hearing, cluster: FakeCluster) -> bool:
    """Whether several looks pass without a word."""
    task = asyncio.create_task(hearing.listen(cluster, AT_ONCE))
    for _ in range(20):
        await asyncio.sleep(0)
    if task.done():
        return False
    task.cancel()
    return True
