"""What differs, and what is done about it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from soloist.core.objects import (
    CONFIG_MAP,
    PIPELINE,
    KindRef,
    Manifest,
    ObjectRef,
    owner_reference,
)
from soloist.core.owned import owns_more
from soloist.core.plan import Action, Apply, Conflict, Create, Delete, covers, diff

OWNER = "owner-uid"
REF = ObjectRef(CONFIG_MAP, "here", "one")


def manifest(data: Any = None, *, owner: str = OWNER, **meta: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "one",
            "namespace": "here",
            "ownerReferences": [owner_reference("v1", "Toy", "t", owner)],
            **meta,
        },
        "data": data or {},
    }


def live(data: Any = None, **meta: Any) -> dict[str, Any]:
    return manifest(data, **{"uid": "live-uid", **meta})


def plan(wanted: list[Manifest], there: list[Manifest]) -> tuple[Action, ...]:
    def kinds(bodies: list[Manifest]) -> list[tuple[KindRef, Manifest]]:
        return [(CONFIG_MAP, body) for body in bodies]

    return diff(kinds(wanted), kinds(there), OWNER)


@pytest.mark.parametrize(
    ("wanted", "there", "action"),
    [
        ([manifest()], [], Create(REF, manifest())),
        ([manifest({"a": "2"})], [live({"a": "1"})], Apply(REF, manifest({"a": "2"}), "live-uid")),
        ([manifest({"a": "1"})], [live({"a": "1", "more": "x"})], None),
        ([], [live()], Delete(REF, "live-uid")),
        ([], [live(owner="stranger")], None),
        ([manifest()], [live(owner="stranger")], Conflict(REF)),
        ([], [live(deletionTimestamp="now")], None),
        ([manifest({"a": "2"})], [live({"a": "1"}, deletionTimestamp="now")], None),
    ],
    ids=[
        "missing: create",
        "different: apply to that very object",
        "more than we ask for: leave",
        "not wanted: delete",
        "not wanted and not ours: leave",
        "wanted but not ours: conflict",
        "leaving: leave",
        "different and leaving: wait",
    ],
)
def test_one_object(wanted: list[Manifest], there: list[Manifest], action: Action | None) -> None:
    assert plan(wanted, there) == ((action,) if action else ())


def ours(spec: Any, uid: str | None = None) -> Manifest:
    """A child of one of our own kinds."""
    known = {"uid": uid} if uid else {}
    return {
        **manifest(**known),
        "apiVersion": PIPELINE.api_version,
        "kind": "Pipeline",
        "spec": spec,
    }


@pytest.mark.parametrize(
    ("there", "pointers"),
    [
        ({"steps": [{"name": "a"}], "schedule": "@daily"}, ("/spec/schedule",)),
        ({"steps": [{"name": "a", "after": ["b"]}]}, ("/spec/steps/0/after",)),
        ({"steps": [{"name": "a"}], "a/b~c": 1}, ("/spec/a~1b~0c",)),
        ({"steps": [{"name": "a"}], "env": []}, None),
    ],
    ids=["a field", "a field of an item", "a name that needs escaping", "an empty default: leave"],
)
def test_what_somebody_added_to_a_child_of_our_own_kind_is_taken_off(
    there: Any, pointers: tuple[str, ...] | None
) -> None:
    wanted, found = ours({"steps": [{"name": "a"}]}), ours(there, uid="live-uid")
    ref = ObjectRef(PIPELINE, "here", "one")
    actions = diff([(PIPELINE, wanted)], [(PIPELINE, found)], OWNER)
    assert actions == ((Apply(ref, wanted, "live-uid", pointers),) if pointers else ())


def test_wanted_come_in_their_order_and_prunes_last() -> None:
    wanted = [{**manifest(), "metadata": {**manifest()["metadata"], "name": n}} for n in "zab"]
    old = live()
    actions = plan(list(wanted), [old])
    assert [(type(action).__name__, action.ref.name) for action in actions] == [
        ("Create", "z"),
        ("Create", "a"),
        ("Create", "b"),
        ("Delete", "one"),
    ]


@pytest.mark.parametrize(
    ("there", "wanted", "same"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, True),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": [{"b": 1, "default": 2}]}, {"a": [{"b": 1}]}, True),
        ({"limits": {"memory": "1Gi"}}, {"limits": {"memory": "1024Mi"}}, True),
        ({"limits": {"cpu": "500m"}}, {"limits": {"cpu": "0.5"}}, True),
        ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}, False),
        ({"limits": {}}, {"limits": {"cpu": "1"}}, False),
        ({"value": "1024Mi"}, {"value": "1Gi"}, False),
        ({}, {"value": ""}, True),
        ({}, {"list": []}, True),
        ({}, {"list": [1]}, False),
        ({}, {"flag": False}, False),
        ({}, {"selector": {}}, False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": "1"}, {"a": 1}, False),
    ],
    ids=str,
)
def test_covers(there: Any, wanted: Any, same: bool) -> None:
    assert covers(there, wanted) is same


def owning(fields: dict[str, Any], **entry: Any) -> dict[str, Any]:
    ours = {"manager": "soloist", "operation": "Apply", "fieldsV1": fields, **entry}
    return live({"a": "1"}, managedFields=[ours])


PORT: dict[str, Any] = {
    "f:spec": {"f:ports": {f"k:{json.dumps({'port': 80, 'protocol': 'TCP'})}": {".": {}}}}
}


@pytest.mark.parametrize(
    ("there", "wanted", "more"),
    [
        (owning({"f:data": {"f:a": {}}}), manifest({"a": "2"}), False),
        (owning({"f:data": {"f:a": {}, "f:b": {}}}), manifest({"a": "2"}), True),
        (owning({"f:data": {"f:b": {}}}, manager="kubectl"), manifest({"a": "1"}), False),
        (owning({"f:data": {"f:b": {}}}, operation="Update"), manifest({"a": "1"}), False),
        (owning({"f:data": {"f:b": {}}}, subresource="status"), manifest({"a": "1"}), False),
        (owning(PORT), {"spec": {"ports": [{"port": 80}]}, "metadata": {}}, False),
        (owning(PORT), {"spec": {"ports": [{"port": 81}]}, "metadata": {}}, True),
        (owning({"f:x": {'v:"a"': {}}}), {"x": ["a"], "metadata": {}}, False),
        (owning({"f:x": {'v:"a"': {}}}), {"x": ["b"], "metadata": {}}, True),
        (live({"a": "1"}), manifest(), False),
    ],
    ids=[
        "all that we own is wanted",
        "one field is wanted no longer",
        "somebody else's field",
        "an update's field",
        "the status",
        "a list item with a key that was defaulted",
        "a list item that is wanted no longer",
        "an item of a set",
        "an item of a set that is wanted no longer",
        "nothing is recorded",
    ],
)
def test_owns_more(there: Manifest, wanted: Manifest, more: bool) -> None:
    assert owns_more(there, wanted) is more
