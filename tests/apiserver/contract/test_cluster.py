"""What the loop may expect of a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from soloist.control.ports import Cluster, ClusterError, KindMissing
from soloist.core.objects import CONFIG_MAP, ObjectRef
from soloist.core.owned import owns_more
from soloist.core.plan import is_settled
from tests.apiserver.contract.conftest import NOT_INSTALLED
from tests.support.toy import API_VERSION, TOY

pytestmark = pytest.mark.asyncio
Either = tuple[Cluster, str]
NOBODY = "00000000-0000-0000-0000-000000000000"


def config_map(namespace: str, name: str = "one", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": {"team": "toys"}},
        "data": data,
    }


def toy(namespace: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "Toy",
        "metadata": {"name": "one", "namespace": namespace},
        "spec": spec,
    }


def ref_of(namespace: str, name: str = "one") -> ObjectRef:
    return ObjectRef(CONFIG_MAP, namespace, name)


async def made(cluster: Cluster, namespace: str, **data: str) -> tuple[ObjectRef, str]:
    ref = ref_of(namespace)
    await cluster.create(ref, config_map(namespace, **data))
    live = await cluster.get(ref)
    assert live is not None
    return ref, live["metadata"]["uid"]


async def made_toy(cluster: Cluster, namespace: str, **spec: Any) -> tuple[ObjectRef, Any]:
    ref = ObjectRef(TOY, namespace, "one")
    await cluster.create(ref, toy(namespace, **spec))
    return ref, await cluster.get(ref)


async def test_an_object_that_is_not_there_is_none(either: Either) -> None:
    cluster, namespace = either
    assert await cluster.get(ref_of(namespace)) is None


async def test_what_was_created_can_be_read(either: Either) -> None:
    cluster, namespace = either
    ref, uid = await made(cluster, namespace, a="1")
    live = await cluster.get(ref)
    assert live is not None
    assert (live["kind"], live["apiVersion"], live["data"]) == ("ConfigMap", "v1", {"a": "1"})
    assert uid


async def test_what_was_created_is_settled(either: Either) -> None:
    cluster, namespace = either
    ref, _ = await made(cluster, namespace, a="1")
    live = await cluster.get(ref)
    assert live is not None
    assert is_settled(live, config_map(namespace, a="1"))
    assert not is_settled(live, config_map(namespace, a="2"))


async def test_a_list_finds_by_every_label_and_says_the_kind(either: Either) -> None:
    cluster, namespace = either
    await made(cluster, namespace, a="1")
    found = await cluster.list(CONFIG_MAP, namespace, {"team": "toys"})
    assert [(one["kind"], one["metadata"]["name"]) for one in found] == [("ConfigMap", "one")]
    assert await cluster.list(CONFIG_MAP, namespace, {"team": "toys", "not": "this"}) == ()
    everywhere = await cluster.list(CONFIG_MAP, None, {"team": "toys"})
    assert namespace in {one["metadata"]["namespace"] for one in everywhere}


async def test_creating_never_touches_an_object_that_is_there(either: Either) -> None:
    cluster, namespace = either
    ref, _ = await made(cluster, namespace, a="1")
    with pytest.raises(ClusterError) as caught:
        await cluster.create(ref, config_map(namespace, a="2"))
    assert caught.value.code == 409
    live = await cluster.get(ref)
    assert live is not None
    assert live["data"] == {"a": "1"}


async def test_an_apply_changes_and_takes_away_what_it_no_longer_says(either: Either) -> None:
    cluster, namespace = either
    ref, uid = await made(cluster, namespace, a="1", b="2")
    before = await cluster.get(ref)
    assert before is not None
    assert owns_more(before, config_map(namespace, a="3"))
    await cluster.apply(ref, config_map(namespace, a="3"), uid)
    live = await cluster.get(ref)
    assert live is not None
    assert live["data"] == {"a": "3"}
    assert is_settled(live, config_map(namespace, a="3"))


async def test_an_apply_of_the_same_changes_nothing(either: Either) -> None:
    cluster, namespace = either
    ref, uid = await made(cluster, namespace, a="1")
    before = await cluster.get(ref)
    await cluster.apply(ref, config_map(namespace, a="1"), uid)
    assert await cluster.get(ref) == before


async def test_an_apply_never_reaches_a_successor(either: Either) -> None:
    cluster, namespace = either
    ref, _ = await made(cluster, namespace, a="1")
    with pytest.raises(ClusterError) as caught:
        await cluster.apply(ref, config_map(namespace, a="2"), NOBODY)
    assert caught.value.code == 409


async def test_an_apply_never_creates(either: Either) -> None:
    cluster, namespace = either
    with pytest.raises(ClusterError) as caught:
        await cluster.apply(ref_of(namespace), config_map(namespace, a="2"), NOBODY)
    assert caught.value.code == 409
    assert await cluster.get(ref_of(namespace)) is None


async def test_places_are_stripped_from_one_very_object(either: Either) -> None:
    cluster, namespace = either
    ref, uid = await made(cluster, namespace, kept="1", added="2")
    await cluster.strip(ref, NOBODY, ("/data/added",))
    assert (await cluster.get(ref) or {})["data"] == {"kept": "1", "added": "2"}
    await cluster.strip(ref, uid, ("/data/added",))
    assert (await cluster.get(ref) or {})["data"] == {"kept": "1"}
    await cluster.strip(ref, uid, ("/data/added",))  # somebody was faster
    await cluster.strip(ref_of(namespace, "gone"), uid, ("/data/added",))


async def test_a_delete_means_one_very_object(either: Either) -> None:
    cluster, namespace = either
    ref, uid = await made(cluster, namespace, a="1")
    await cluster.delete(ref, NOBODY)
    assert await cluster.get(ref) is not None
    await cluster.delete(ref, uid)
    assert await cluster.get(ref) is None
    await cluster.delete(ref, uid)


async def test_a_status_is_replaced_as_a_whole_and_leaves_the_spec_alone(either: Either) -> None:
    cluster, namespace = either
    ref, live = await made_toy(cluster, namespace, copies=1)
    uid = live["metadata"]["uid"]
    await cluster.apply_status(ref, uid, {"a": 1, "b": {"c": 2}, "d": [1, 2]})
    await cluster.apply_status(ref, uid, {"a": 2, "d": [3]})
    after = await cluster.get(ref)
    assert after is not None
    assert after["status"] == {"a": 2, "d": [3]}
    assert after["spec"] == {"copies": 1}
    assert after["metadata"]["generation"] == 1


async def test_a_status_for_an_object_that_went_is_dropped(either: Either) -> None:
    cluster, namespace = either
    ref = ObjectRef(TOY, namespace, "one")
    await cluster.apply_status(ref, NOBODY, {"a": 1})
    assert await cluster.get(ref) is None
    await cluster.create(ref, toy(namespace))
    with pytest.raises(ClusterError) as caught:
        await cluster.apply_status(ref, NOBODY, {"a": 1})
    assert caught.value.code == 409
    live = await cluster.get(ref)
    assert live is not None
    assert "status" not in live


async def test_an_apply_leaves_the_status_alone(either: Either) -> None:
    cluster, namespace = either
    ref, live = await made_toy(cluster, namespace, copies=1)
    uid = live["metadata"]["uid"]
    await cluster.apply_status(ref, uid, {"a": 1})
    await cluster.apply(ref, toy(namespace, copies=2), uid)
    after = await cluster.get(ref)
    assert after is not None
    assert (after["status"], after["spec"]) == ({"a": 1}, {"copies": 2})
    assert after["metadata"]["generation"] == 2


async def test_finalizers_are_set_for_the_version_that_was_read(either: Either) -> None:
    cluster, namespace = either
    ref, live = await made_toy(cluster, namespace)
    version = live["metadata"]["resourceVersion"]
    await cluster.set_finalizers(ref, version, ("example.com/mine",))
    held = await cluster.get(ref)
    assert held is not None
    assert held["metadata"]["finalizers"] == ["example.com/mine"]
    with pytest.raises(ClusterError) as caught:
        await cluster.set_finalizers(ref, version, ())
    assert caught.value.code == 409


async def test_a_held_object_goes_when_its_finalizer_goes(either: Either) -> None:
    cluster, namespace = either
    ref, live = await made_toy(cluster, namespace)
    uid = live["metadata"]["uid"]
    await cluster.set_finalizers(ref, live["metadata"]["resourceVersion"], ("example.com/mine",))
    await cluster.delete(ref, uid)
    leaving = await cluster.get(ref)
    assert leaving is not None
    assert leaving["metadata"]["deletionTimestamp"]
    await cluster.set_finalizers(ref, leaving["metadata"]["resourceVersion"], ())
    assert await cluster.get(ref) is None
    await cluster.set_finalizers(ref, leaving["metadata"]["resourceVersion"], ())


async def test_a_kind_that_is_not_installed_is_told_apart(either: Either) -> None:
    cluster, namespace = either
    ref = ObjectRef(NOT_INSTALLED, namespace, "one")
    with pytest.raises(KindMissing):
        await cluster.get(ref)
    with pytest.raises(KindMissing):
        await cluster.list(NOT_INSTALLED, namespace, {})
    manifest = {
        "apiVersion": NOT_INSTALLED.api_version,
        "kind": NOT_INSTALLED.kind,
        "metadata": {"name": "one", "namespace": namespace},
    }
    with pytest.raises(KindMissing):
        await cluster.create(ref, manifest)


async def test_a_log_that_is_not_there_is_empty(either: Either) -> None:
    cluster, namespace = either
    assert await cluster.log_tail(namespace, "no-pod", "main", 10) == ""


async def test_whether_an_object_is_there_can_be_asked_without_reading_it(either: Either) -> None:
    cluster, namespace = either
    ref, _ = await made(cluster, namespace, a="1")
    assert await cluster.is_there(ref)
    assert not await cluster.is_there(ref_of(namespace, "two"))
    with pytest.raises(KindMissing):
        await cluster.is_there(ObjectRef(NOT_INSTALLED, namespace, "one"))
