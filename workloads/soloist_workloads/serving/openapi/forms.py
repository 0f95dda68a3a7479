"""The forms that `/invocations` takes for a signature, each as JSON Schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from soloist_workloads.serving.openapi.examples import FORMS, INPUTS, INSTANCES, RECORDS, SPLIT
from soloist_workloads.serving.openapi.sides import (
    Schema,
    Spec,
    is_named,
    is_required,
    value_schema,
)
from soloist_workloads.serving.signature import Beyond, Columns, Nothing, Signature, Tensor

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
ROW = {"$ref": "#/components/schemas/Row"}
PARAMS = {"$ref": "#/components/schemas/Params"}
# What pandas reads from text without being told how.
SAID_IN_CSV = frozenset({"boolean", "integer", "long", "float", "double", "string"})


def forms_of(signature: Signature, specs: Sequence[Spec], *, is_hinted: bool) -> tuple[str, ...]:
    """Which forms make sense; the server may understand others too."""
    if is_hinted:
        return (INPUTS,)
    match signature:
        case Tensor():
            return (INPUTS, INSTANCES)
        case Columns(named=False):
            return (SPLIT,)
        case Beyond() if any(spec.get("type") == "tensor" for spec in specs):
            return (INPUTS, INSTANCES)
        case Columns() | Nothing() | Beyond():
            return FORMS


def takes_csv(signature: Signature, specs: Sequence[Spec]) -> bool:
    match signature:
        case Nothing():
            return True
        case Columns(named=True):
            return all(spec.get("type") in SAID_IN_CSV for spec in specs)
        case _:
            return False


def row_schema(specs: Sequence[Spec]) -> Schema:
    """One row by its columns. A column that isn't the model's is ignored, so more may come."""
    needed = [spec["name"] for spec in specs if is_required(spec)]
    return {
        "type": "object",
        "properties": {spec["name"]: value_schema(spec) for spec in specs},
        **({"required": needed} if needed else {}),
    }


def form_schema(form: str, specs: Sequence[Spec], *, takes_params: bool) -> Schema:
    """A request's whole body in one form."""
    properties: Schema = {form: _content(form, specs)}
    if takes_params:
        properties["params"] = PARAMS
    return {"title": form, "type": "object", "required": [form], "properties": properties}


def _content(form: str, specs: Sequence[Spec]) -> Schema:
    if not specs:
        return {SPLIT: _split({}), RECORDS: {"type": "array", "items": {"type": "object"}}}.get(
            form, {}
        )
    if any(spec.get("type") == "tensor" for spec in specs):
        return _tensors(specs)
    if not is_named(specs):
        return _split(_by_position(specs))
    match form:
        case "dataframe_split":
            return _split({"type": "array"}, specs)
        case "inputs":
            return {"oneOf": [_columns(specs), {"type": "array", "items": ROW}]}
        case _:
            return {"type": "array", "items": ROW}


def _tensors(specs: Sequence[Spec]) -> Schema:
    if len(specs) == 1:
        return value_schema(specs[0])
    by_name = {str(spec.get("name")): value_schema(spec) for spec in specs}
    return {"type": "object", "required": list(by_name), "properties": by_name}


def _by_position(specs: Sequence[Spec]) -> Schema:
    values = [value_schema(spec) for spec in specs]
    return {"type": "array", "prefixItems": values, "minItems": len(values)}


def _split(row: Schema, specs: Sequence[Spec] = ()) -> Schema:
    names: Schema = {"type": "array", "items": {"type": "string"}}
    if specs:
        # In any order, and more than these may come.
        needed = [{"contains": {"const": spec["name"]}} for spec in specs if is_required(spec)]
        names |= {"allOf": needed} if needed else {}
    return {
        "type": "object",
        "required": ["columns", "data"] if specs else ["data"],
        "properties": {
            "columns": names,
            "data": {"type": "array", "items": row},
            "index": {"type": "array"},
        },
        "additionalProperties": False,
    }


def _columns(specs: Sequence[Spec]) -> Schema:
    """A list of values per column."""
    return {
        "type": "object",
        "properties": {
            spec["name"]: {"type": "array", "items": value_schema(spec)} for spec in specs
        },
        "required": [spec["name"] for spec in specs if is_required(spec)],
    }


def answer_schema(specs: Sequence[Spec]) -> Schema:
    """`predictions`, as far as the model's author promised something of them."""
    if not specs:
        return {"description": "The signature doesn't say."}
    if any(spec.get("type") == "tensor" for spec in specs):
        return _tensors(specs)
    if is_named(specs):
        row: dict[str, Any] = {"type": "object", "properties": row_schema(specs)["properties"]}
        # A model may also give the values of its only column without its name.
        row = row if len(specs) > 1 else {"anyOf": [row, value_schema(specs[0])]}
        return {"type": "array", "items": row}
    single = value_schema(specs[0])
    return {"type": "array", "items": single if len(specs) == 1 else {}}
