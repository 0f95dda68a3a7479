"""Server-side apply on dictionaries: lists are one value each, except owner references, which are merged by UID."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

_IDENTITY = frozenset({"name", "namespace", "uid", "resourceVersion"})


def fields_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The FieldsV1 of an applied manifest."""
    fields: dict[str, Any] = {}
    for key, value in manifest.items():
        if key in ("apiVersion", "kind", "status"):
            continue
        if key == "metadata":
            rest = {name: part for name, part in value.items() if name not in _IDENTITY}
            below = _below(rest)
            if below:
                fields["f:metadata"] = below
        else:
            fields[f"f:{key}"] = _below(value)
    return fields


def _below(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {}
    return {
        f"f:{key}": _owners(part) if key == "ownerReferences" else _below(part)
        for key, part in value.items()
    }


def _owners(references: Any) -> dict[str, Any]:
    return {f"k:{json.dumps({'uid': reference['uid']})}": {} for reference in references}


def merged(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """`live` with every leaf of `wanted`."""
    result = copy.deepcopy(dict(live))
    for key, value in wanted.items():
        if isinstance(value, Mapping):
            below = result.get(key)
            result[key] = merged(below if isinstance(below, Mapping) else {}, value)
        elif key == "ownerReferences":
            uids = {reference["uid"] for reference in value}
            others = [one for one in result.get(key, ()) if one["uid"] not in uids]
            result[key] = [*others, *value]
        elif key not in ("resourceVersion", "uid") or key not in result:
            result[key] = value
    return result


def without_lost(
    live: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """`live` without the fields that we owned before and do not ask for now."""
    result = copy.deepcopy(dict(live))
    for key, below in before.items():
        how, _, name = key.partition(":")
        if how != "f" or name not in result:
            continue
        if key not in after:
            del result[name]
        elif below and isinstance(result[name], Mapping):
            result[name] = without_lost(result[name], below, after[key])
    return result
