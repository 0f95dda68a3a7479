"""Which fields of a live object are ours: what server-side apply recorded, read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from soloist.core.objects import MANAGER, Manifest


def owns_more(live: Manifest, wanted: Manifest) -> bool:
    """Whether we own a field of `live` that `wanted` no longer speaks of, so that an apply would take it away.

    `covers` alone cannot see that: a schedule that was removed from a manifest is simply not asked for.
    """
    return any(_exceeds(fields, wanted) for fields in _ours(live))


def _ours(live: Manifest) -> Iterable[Mapping[str, Any]]:
    return (
        entry.get("fieldsV1") or {}
        for entry in live["metadata"].get("managedFields") or ()
        if entry.get("manager") == MANAGER
        and entry.get("operation") == "Apply"
        and not entry.get("subresource")
    )


def _exceeds(fields: Mapping[str, Any], wanted: Any) -> bool:
    return any(_is_beyond(key, below, wanted) for key, below in fields.items() if key != ".")


def _is_beyond(key: str, below: Mapping[str, Any], wanted: Any) -> bool:
    """One entry of a FieldsV1 set: `f:` a field, `k:` a list item by its keys, `v:` a set's item, `i:` an index."""
    how, _, text = key.partition(":")
    match how:
        case "f":
            if not isinstance(wanted, Mapping) or text not in wanted:
                return True
            return _exceeds(below, wanted[text])
        case "k":
            item = _item(wanted, json.loads(text))
            return item is None or _exceeds(below, item)
        case "v":
            return not isinstance(wanted, Sequence) or json.loads(text) not in wanted
        case _:
            return False


def _item(wanted: Any, keys: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The list item with these keys; a key that the item leaves out was defaulted by the API server."""
    if not isinstance(wanted, Sequence):
        return None
    for item in wanted:
        if all(item.get(name, value) == value for name, value in keys.items()):
            return item  # type: ignore[no-any-return]  # a manifest is JSON, untyped by nature
    return None
