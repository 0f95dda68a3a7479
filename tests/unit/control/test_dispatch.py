"""Who is woken by what, and what a resync does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from soloist.control.dispatch import Dispatch, Roster, resync
from soloist.control.ports import NotLeading
from soloist.control.queue import Queue
from soloist.core.effects import EndTrackedRun
from soloist.core.kind import Desired
from soloist.core.objects import Key
from soloist.core.outcome import Done, Failed, Outcome
from tests.support.fake_ports import World
from tests.support.toy import KIND, PLATFORM, TOY

pytestmark = pytest.mark.asyncio
EFFECT = EndTrackedRun("run", "FAILED")
BEAR = Key("Toy", "here", "bear")


def toy(name: str, namespace: str = "here") -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {}}


async def idle(key: Key) -> Outcome:
    return Done()


def a_queue() -> Queue:
    return Queue(idle, chance=lambda: 0.0)


async def test_a_changed_status_wakes_those_who_wait_for_it_in_the_same_namespace() -> None:
    world, roster, woken = World(), Roster(), list[Key]()
    for namespace in ("here", "there"):
        roster.enter(Key("Watcher", namespace, "w"))
    dispatch = Dispatch({"Toy": KIND}, PLATFORM, world.ports, roster)
    dispatch.wake = woken.append
    world.cluster.add(TOY, toy("bear"))
    await dispatch(BEAR)
    assert woken == [Key("Watcher", "here", "w")]


async def test_an_unchanged_status_wakes_nobody() -> None:
    world, roster, woken = World(), Roster(), list[Key]()
    roster.enter(Key("Watcher", "here", "w"))
    dispatch = Dispatch({"Toy": KIND}, PLATFORM, world.ports, roster)
    world.cluster.add(TOY, toy("bear"))
    for _ in range(3):
        await dispatch(BEAR)
    dispatch.wake = woken.append
    await dispatch(BEAR)
    assert woken == []


async def test_every_reconcile_is_counted_with_its_outcome() -> None:
    world = World()
    dispatch = Dispatch({"Toy": KIND}, PLATFORM, world.ports, Roster())
    world.cluster.add(TOY, toy("bear"))
    await dispatch(BEAR)
    broken = replace(KIND, desire=lambda toy, facts, platform: Desired(effects=(EFFECT,)))
    world.tracking.down = True
    await Dispatch({"Toy": broken}, PLATFORM, world.ports, Roster())(BEAR)
    assert world.meter.reconciles == {
        ("Toy", "Done", ""): 1,
        ("Toy", "Failed", "MLflowUnreachable"): 1,
    }
    assert world.meter.acts["create", "ConfigMap"] == 1


async def test_a_resync_looks_at_everything_there_is() -> None:
    world, roster, queue = World(), Roster(), a_queue()
    for name in ("a", "b"):
        world.cluster.add(TOY, toy(name))
    await resync(KIND, world.cluster, queue, roster, lambda: 0.0)
    assert queue.waiting() == 2
    assert len(roster.inside("Toy", "here")) == 2


async def test_a_resync_notices_what_has_gone_unseen() -> None:
    world, roster, queue = World(), Roster(), a_queue()
    roster.enter(Key("Toy", "here", "gone"))
    await resync(KIND, world.cluster, queue, roster, lambda: 0.0)
    assert roster.inside("Toy", "here") == ()


async def test_a_kind_that_is_not_installed_stops_no_resync() -> None:
    world, queue = World(), a_queue()
    missing = replace(KIND, ref=replace(TOY, plural="nothings"))
    world.cluster.missing = {missing.ref}
    await resync(missing, world.cluster, queue, Roster(), lambda: 0.0)
    assert queue.waiting() == 0


async def test_a_fault_that_even_its_report_can_not_tell_ends_no_worker() -> None:
    world = World()
    broken = replace(KIND, resource=replace(KIND.resource, spec=None), needs=None)  # type: ignore[arg-type]  # on purpose
    world.cluster.add(TOY, toy("bear"))
    outcome = await Dispatch({"Toy": broken}, PLATFORM, world.ports, Roster())(BEAR)
    assert isinstance(outcome, Failed)


async def test_losing_the_lease_ends_the_worker() -> None:
    world = World()

    async def refused(*_: object) -> None:
        raise NotLeading("lost")

    world.cluster.apply_status = refused  # type: ignore[method-assign]  # one method is enough here
    world.cluster.add(TOY, toy("bear"))
    with pytest.raises(NotLeading):
        await Dispatch({"Toy": KIND}, PLATFORM, world.ports, Roster())(BEAR)
