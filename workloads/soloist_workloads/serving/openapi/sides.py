"""The sides of a signature as MLflow wrote them, and their types as JSON Schema.

The runtime's own `Signature` knows only what the runtime checks. A reader wants the nested types and the parameters too,
so this reads the text itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]
Spec = dict[str, Any]

# Deeper types exist on paper only; a document has to end.
DEEPEST_TYPE = 16
TYPES: dict[str, Schema] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": ["number", "null"], "format": "float"},
    "double": {"type": ["number", "null"], "format": "double"},
    "string": {"type": ["string", "null"]},
    "binary": {"type": "string", "contentEncoding": "base64"},
    # Without a time zone: what the table forms refuse shouldn't be suggested.
    "datetime": {"type": ["string", "null"], "format": "date-time-local"},
}
WHOLE: dict[str, Schema] = {
    "bool": {"type": "boolean"},
    "int": {"type": "integer"},
    "uint": {"type": "integer", "minimum": 0},
}


def read_json(text: str | bytes) -> Any:
    """JSON whose every number can be said in JSON again: what isn't finite is missing."""
    return json.loads(text, parse_constant=lambda _: None, parse_float=_finite)


def _finite(text: str) -> float | None:
    return number if math.isfinite(number := float(text)) else None


def parse_side(text: Any) -> tuple[Spec, ...]:
    """The columns, tensors or parameters of one side; nothing where it can't be read."""
    try:
        specs = read_json(text) if text else []
    except (ValueError, TypeError, RecursionError):
        return ()
    if not isinstance(specs, list) or not all(isinstance(spec, dict) for spec in specs):
        return ()
    return tuple(specs)


def is_required(spec: Spec) -> bool:
    return bool(spec.get("required", not spec.get("optional", False)))


def is_named(specs: Iterable[Spec]) -> bool:
    return all(isinstance(spec.get("name"), str) and spec["name"] for spec in specs)


def value_schema(spec: Any, *, depth: int = 0) -> Schema:
    """One value of a column; `{}`, which is anything, for what isn't known."""
    if not isinstance(spec, dict) or depth > DEEPEST_TYPE:
        return {}
    kind = spec.get("type")
    if not isinstance(kind, str):
        return {}
    match kind:
        case "array":
            return {"type": "array", "items": value_schema(spec.get("items"), depth=depth + 1)}
        case "map":
            inner = value_schema(spec.get("values"), depth=depth + 1)
            return {"type": "object", "additionalProperties": inner}
        case "object" if isinstance(spec.get("properties"), dict):
            return _object_schema(spec["properties"], depth)
        case "tensor":
            return tensor_schema(spec)
        case _:
            return dict(TYPES.get(kind, {}))


def _object_schema(properties: dict[str, Any], depth: int) -> Schema:
    needed = [name for name, of in properties.items() if isinstance(of, dict) and is_required(of)]
    schemas = {name: value_schema(of, depth=depth + 1) for name, of in properties.items()}
    return {"type": "object", "properties": schemas, **({"required": needed} if needed else {})}


def tensor_schema(spec: Spec) -> Schema:
    """Nested arrays, one level per dimension, with the lengths that are fixed."""
    dtype, shape = tensor_of(spec)
    schema = _number_schema(dtype)
    for length in reversed(shape):
        schema = {"type": "array", "items": schema}
        if length >= 0:
            schema |= {"minItems": length, "maxItems": length}
    return schema


def tensor_of(spec: Spec) -> tuple[str, tuple[int, ...]]:
    """The type and the lengths of a tensor; -1 is any length."""
    inner = spec.get("tensor-spec")
    if not isinstance(inner, dict):
        return "object", ()
    shape = inner.get("shape")
    lengths = shape if isinstance(shape, list) else []
    whole = all(type(length) is int for length in lengths)
    return str(inner.get("dtype")), tuple(lengths[:DEEPEST_TYPE]) if whole else ()


def _number_schema(dtype: str) -> Schema:
    for prefix, schema in WHOLE.items():
        if dtype.startswith(prefix):
            return dict(schema)
    if dtype.startswith("float"):
        return {"type": ["number", "null"]}
    return {"type": "string"} if dtype.startswith(("str", "<U")) else {}


def params_schema(specs: Iterable[Spec]) -> Schema:
    """The object `params`: every parameter has a default, so none is required."""
    return {
        "type": "object",
        "description": "Parameters of this prediction. What is left out has its default, what isn't known is ignored.",
        "properties": {str(spec.get("name")): param_schema(spec) for spec in specs},
    }


def param_schema(spec: Spec) -> Schema:
    shape = spec.get("shape")
    value = value_schema(spec)
    if isinstance(shape, list):
        value = {"type": "array", "items": value}
    return {**value, "default": spec.get("default")}
