"""The loop, on a kind small enough to see through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from soloist.control.ports import ClusterError
from soloist.control.reconcile import Result, reconcile
from soloist.core.objects import (
    CONFIG_MAP,
    FINALIZER,
    OWNER_UID,
    Key,
    KindRef,
    ObjectRef,
    owner_labels,
    owner_reference,
)
from soloist.core.outcome import Done, Failed, Stalled
from tests.support.fake_ports import World
from tests.support.toy import API_VERSION, KIND, PLATFORM, TOY

pytestmark = pytest.mark.asyncio
KEY = Key("Toy", "here", "bear")
REF = ObjectRef(TOY, "here", "bear")


def map_ref(number: int) -> ObjectRef:
    return ObjectRef(CONFIG_MAP, "here", f"bear-{number}")


@pytest.fixture
def world() -> World:
    return World()


def add_toy(world: World, **spec: Any) -> str:
    return world.cluster.add(TOY, {"metadata": {"name": "bear", "namespace": "here"}, "spec": spec})


async def look(world: World) -> Result:
    return await reconcile(KIND, KEY, PLATFORM, world.ports)


async def settle(world: World) -> Result:
    await look(world)
    await look(world)
    return await look(world)


def status(world: World) -> Any:
    return world.cluster.objects[REF].get("status")


async def test_a_missing_object_is_nothing_to_do(world: World) -> None:
    assert await look(world) == Result(Done())
    assert world.cluster.writes == []


async def test_children_effect_and_status_are_made_in_order(world: World) -> None:
    add_toy(world, copies=2)
    await look(world)
    verbs = [(verb, ref.name) for verb, ref in world.cluster.writes]
    assert verbs == [
        ("finalizers", "bear"),
        ("create", "bear-0"),
        ("create", "bear-1"),
        ("status", "bear"),
    ]
    assert len(world.tracking.performed) == 1


async def test_after_an_effect_it_looks_again_at_once(world: World) -> None:
    add_toy(world)
    result = await look(world)
    assert isinstance(result.outcome, Done)
    assert result.outcome.again is not None
    assert result.outcome.again.total_seconds() < 1


async def test_an_unchanged_object_makes_no_write(world: World) -> None:
    add_toy(world, copies=2)
    await settle(world)
    world.cluster.writes.clear()
    world.tracking.performed.clear()
    world.clock.advance(hours=1)
    result = await look(world)
    assert not result.said
    assert world.cluster.writes == []
    assert world.tracking.performed == []


async def test_a_deleted_child_is_restored(world: World) -> None:
    add_toy(world, copies=2)
    await settle(world)
    world.cluster.remove(map_ref(1))
    await look(world)
    assert map_ref(1) in world.cluster.objects


async def test_an_edited_child_is_restored(world: World) -> None:
    add_toy(world)
    await settle(world)
    world.cluster.edit(map_ref(0), data={"colour": "black"})
    await look(world)
    assert world.cluster.objects[map_ref(0)]["data"] == {"colour": "red"}


async def test_a_field_that_is_no_longer_wanted_goes(world: World) -> None:
    add_toy(world, note="hello")
    await settle(world)
    world.cluster.edit(REF, spec={})
    await look(world)
    assert world.cluster.objects[map_ref(0)]["data"] == {"colour": "red"}


async def test_a_child_that_is_no_longer_wanted_is_deleted(world: World) -> None:
    add_toy(world, copies=2)
    await settle(world)
    world.cluster.edit(REF, spec={"copies": 1})
    await look(world)
    assert map_ref(0) in world.cluster.objects
    assert map_ref(1) not in world.cluster.objects


async def test_a_stranger_of_the_same_name_is_left_alone_and_named(world: World) -> None:
    body = {"metadata": {"name": "bear-0", "namespace": "here"}, "data": {"mine": "yes"}}
    world.cluster.add(CONFIG_MAP, body)
    add_toy(world)
    result = await look(world)
    assert isinstance(result.outcome, Failed)
    assert result.outcome.reason == "NotOurs"
    assert "kubectl delete configmap bear-0 --namespace here" in status(world)["summary"]
    assert world.cluster.objects[map_ref(0)]["data"] == {"mine": "yes"}


async def test_a_stranger_with_our_labels_is_neither_changed_nor_pruned(world: World) -> None:
    uid = add_toy(world)
    for name in ("bear-0", "bear-9"):
        labels = owner_labels("Toy", "bear", uid)
        meta = {"name": name, "namespace": "here", "labels": labels}
        world.cluster.add(CONFIG_MAP, {"metadata": meta, "data": {"mine": "yes"}})
    result = await look(world)
    assert isinstance(result.outcome, Failed)
    assert all(world.cluster.objects[map_ref(n)]["data"] == {"mine": "yes"} for n in (0, 9))


async def test_it_goes_on_when_the_stranger_is_gone(world: World) -> None:
    world.cluster.add(CONFIG_MAP, {"metadata": {"name": "bear-0", "namespace": "here"}})
    add_toy(world)
    await look(world)
    world.cluster.remove(map_ref(0))
    result = await settle(world)
    assert isinstance(result.outcome, Done)
    assert status(world)["conditions"][0]["status"] == "True"


async def test_a_child_whose_labels_were_taken_off_gets_them_back(world: World) -> None:
    uid = add_toy(world)
    await settle(world)
    world.cluster.objects[map_ref(0)]["metadata"]["labels"] = {}
    await look(world)
    assert world.cluster.objects[map_ref(0)]["metadata"]["labels"][OWNER_UID] == uid


async def test_a_plan_stops_at_its_first_failure(world: World) -> None:
    add_toy(world, copies=3)
    message = 'configmaps "bear-0" is forbidden: exceeded quota: few, requested: 1, used: 5'
    world.cluster.refuse["ConfigMap"] = ClusterError(message, code=403, reason="Forbidden")
    result = await look(world)
    creates = [ref for verb, ref in world.cluster.writes if verb == "create"]
    assert creates == [map_ref(0)]
    assert world.tracking.performed == []
    assert isinstance(result.outcome, Failed)
    assert result.outcome.reason == "QuotaExceeded"
    assert "exceeded quota: few, requested: 1, used: 5" in status(world)["summary"]


async def test_a_refused_child_is_told_with_the_servers_words(world: World) -> None:
    add_toy(world)
    error = ClusterError("data: too long", code=422, reason="Invalid")
    world.cluster.refuse["ConfigMap"] = error
    result = await look(world)
    assert isinstance(result.outcome, Failed)
    assert result.outcome.reason == "Refused"
    assert "data: too long" in status(world)["summary"]


@pytest.mark.parametrize("code", [0, 409, 500, 503])
async def test_what_passes_by_itself_is_not_told(world: World, code: int) -> None:
    add_toy(world)
    await settle(world)
    before = status(world)
    world.cluster.edit(REF, spec={"colour": "blue"})
    world.cluster.refuse["ConfigMap"] = ClusterError("busy", code=code, reason="Busy")
    result = await look(world)
    assert isinstance(result.outcome, Failed)
    assert status(world) == before


async def test_mlflow_down_is_told_and_heals(world: World) -> None:
    add_toy(world)
    world.tracking.down = True
    result = await look(world)
    assert isinstance(result.outcome, Failed)
    assert result.outcome.reason == "MLflowUnreachable"
    world.tracking.down = False
    assert isinstance((await settle(world)).outcome, Done)
    assert status(world)["runId"] == "run-1"


async def test_a_spec_that_does_not_parse_is_stalled_with_its_field(world: World) -> None:
    add_toy(world, copies="many")
    result = await look(world)
    assert isinstance(result.outcome, Stalled)
    assert "spec.copies" in status(world)["summary"]
    conditions = {one["type"]: one for one in status(world)["conditions"]}
    assert conditions["Stalled"]["status"] == "True"
    assert conditions["Ready"] == {
        **conditions["Ready"],
        "status": "False",
        "reason": "InvalidSpec",
    }
    world.cluster.writes.clear()
    world.clock.advance(hours=1)
    await look(world)
    assert world.cluster.writes == []


async def test_a_fault_of_ours_is_unknown_and_keeps_what_was_said(world: World) -> None:
    add_toy(world, copies=2)
    await settle(world)

    def fails(*_: Any) -> Any:
        raise RuntimeError("a bug")

    broken = replace(KIND, desire=fails)
    result = await reconcile(broken, KEY, PLATFORM, world.ports)
    assert isinstance(result.outcome, Failed)
    assert result.outcome.reason == "InternalError"
    conditions = {one["type"]: one for one in status(world)["conditions"]}
    assert (conditions["Ready"]["status"], conditions["Ready"]["reason"]) == (
        "Unknown",
        "InternalError",
    )
    assert status(world)["copies"] == 2
    assert "a bug" not in str(status(world))


async def test_deleting_cleans_up_and_then_lets_go(world: World) -> None:
    add_toy(world, copies=2)
    await settle(world)
    world.cluster.remove(REF)
    await settle(world)
    assert REF not in world.cluster.objects
    assert {run.status for run in world.tracking.runs.values()} == {"KILLED"}


async def test_deleting_waits_for_the_clean_up(world: World) -> None:
    add_toy(world)
    await settle(world)
    world.cluster.remove(REF)
    world.tracking.down = True
    await look(world)
    assert REF in world.cluster.objects
    assert map_ref(0) not in world.cluster.objects
    world.tracking.down = False
    await settle(world)
    assert REF not in world.cluster.objects


async def test_an_object_that_leaves_without_our_finalizer_is_left_alone(world: World) -> None:
    add_toy(world)
    world.cluster.objects[REF]["metadata"] |= {
        "finalizers": ["someone/else"],
        "deletionTimestamp": "2026-01-01T00:00:00Z",
    }
    assert await look(world) == Result(Done())
    assert world.cluster.writes == []


async def test_the_finalizer_precedes_everything_it_guards(world: World) -> None:
    add_toy(world)
    await look(world)
    assert world.cluster.objects[REF]["metadata"]["finalizers"] == [FINALIZER]
    assert world.cluster.writes[0][0] == "finalizers"


async def test_another_owner_reference_of_a_child_is_no_difference(world: World) -> None:
    add_toy(world)
    await settle(world)
    child = world.cluster.objects[map_ref(0)]
    child["metadata"]["ownerReferences"].append(owner_reference(API_VERSION, "Toy", "x", "y"))
    world.cluster.writes.clear()
    await look(world)
    assert world.cluster.writes == []


@pytest.mark.parametrize(("apart", "performed"), [((), 0), ((CONFIG_MAP,), 1)])
async def test_a_child_that_stands_apart_is_told_and_stops_nothing(
    world: World, apart: tuple[KindRef, ...], performed: int
) -> None:
    add_toy(world, copies=2)
    world.cluster.refuse["ConfigMap"] = ClusterError("no such class", code=400, reason="Invalid")
    kind = replace(KIND, apart=apart)
    result = await reconcile(kind, KEY, PLATFORM, world.ports)
    assert isinstance(result.outcome, Failed)
    assert "no such class" in status(world)["summary"]
    assert len(world.tracking.runs) == performed
