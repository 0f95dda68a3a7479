"""What the page's form shows: a field per column and per parameter.

Values are JSON as text. JavaScript's numbers end at 2^53, and a field must not change what the author wrote.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from soloist_workloads.serving.openapi.examples import Example
from soloist_workloads.serving.openapi.sides import TYPES, Spec, is_named, is_required, value_schema

# A browser shows more than this slowly, and nobody types them.
MOST_FIELDS = 500
Field = dict[str, Any]


def fields(specs: Sequence[Spec], example: Example) -> list[Field]:
    """One per column of a table with names; none for what can only be said as JSON."""
    is_table = all(spec.get("type") != "tensor" for spec in specs)
    if not specs or not is_table or not is_named(specs) or len(specs) > MOST_FIELDS:
        return []
    shown = _first_row(example)
    return [
        {
            "name": spec["name"],
            "type": type_name(spec),
            "required": is_required(spec),
            "nullable": "null" in value_schema(spec).get("type", ()),
            "value": json.dumps(shown[spec["name"]]) if spec["name"] in shown else "",
        }
        for spec in specs
    ]


def _first_row(example: Example) -> dict[str, Any]:
    if example.table is None or example.table.names is None or not example.table.rows:
        return {}
    return dict(zip(example.table.names, example.table.rows[0], strict=True))


def parameters(specs: Sequence[Spec], example: Example) -> list[Field]:
    given = example.params or {}
    return [
        {
            "name": str(spec.get("name")),
            "type": type_name(spec) + ("[]" if isinstance(spec.get("shape"), list) else ""),
            "required": False,
            "default": json.dumps(spec.get("default")),
            "value": json.dumps(given[spec["name"]]) if spec.get("name") in given else "",
        }
        for spec in specs
    ]


def type_name(spec: Spec) -> str:
    kind = spec.get("type")
    return kind if isinstance(kind, str) and kind in TYPES else "json"
