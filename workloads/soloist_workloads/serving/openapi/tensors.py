"""The Open Inference Protocol's part of the document: tensors instead of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from soloist_workloads.serving.openapi.examples import Body, Example, make_example
from soloist_workloads.serving.openapi.sides import Schema, Spec, tensor_of
from soloist_workloads.serving.outputs import OFFERED, tensor_name
from soloist_workloads.serving.signature import Columns, Kind, Signature, Tensor
from soloist_workloads.serving.tensors import BYTES, DATATYPES, NUMBERS

TENSOR = {"$ref": "#/components/schemas/Tensor"}


def schemas() -> dict[str, Schema]:
    """What the protocol's requests and answers are made of; the same for every model."""
    described: Schema = {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": -1}},
        "datatype": {"enum": [*NUMBERS, BYTES]},
    }
    data = {
        "type": "array",
        "description": "The values, flat in row-major order or nested as the shape says.",
    }
    parameters = {"type": "object"}
    return {
        "Tensor": {
            "type": "object",
            "required": ["name", "shape", "datatype"],
            "properties": {**described, "data": data, "parameters": parameters},
        },
        "TensorDescription": {
            "type": "object",
            "required": list(described),
            "properties": described,
        },
        "InferRequest": {
            "type": "object",
            "required": ["inputs"],
            "properties": {
                "id": {"type": "string"},
                "inputs": {"type": "array", "items": TENSOR, "minItems": 1},
                "outputs": {"type": "array", "items": _requested_output()},
                "parameters": parameters,
            },
        },
        "InferAnswer": {
            "type": "object",
            "required": ["model_name", "model_version", "outputs"],
            "properties": {
                "model_name": {"type": "string"},
                "model_version": {"type": "string"},
                "id": {"type": "string"},
                "outputs": {"type": "array", "items": TENSOR},
            },
        },
    }


def _requested_output() -> Schema:
    return {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "parameters": {"type": "object"}},
    }


def infer_example(signature: Signature, specs: Sequence[Spec], example: Example) -> Body | None:
    """The example as tensors, where this protocol can say it."""
    match signature:
        case Columns():
            inputs = _column_tensors(signature, example)
            return {"inputs": inputs or _column_tensors(signature, make_example(specs))}
        case Tensor() if isinstance(example.given, list):
            inputs = _array_tensor(signature, specs[0], example.given)
            return {"inputs": inputs} if inputs else None
        case _:
            return None


def _column_tensors(signature: Columns, example: Example) -> list[Body]:
    """One tensor per column. JSON numbers of a tensor can't be missing, so an example with a gap isn't taken."""
    if example.table is None or not example.table.rows:
        return []
    names = example.table.names
    tensors: list[Body] = []
    for position, column in enumerate(signature.columns):
        if names is not None and column.name not in names:
            continue  # optional, and the example leaves it out
        at = position if names is None else names.index(str(column.name))
        values = [row[at] for row in example.table.rows]
        if any(_is_unfit(value, column.kind) for value in values):
            return []
        tensors.append(_tensor(tensor_name(column, "input-0"), OFFERED[column.kind], values))
    return tensors


def _is_unfit(value: Any, kind: Kind) -> bool:
    texts = kind in (Kind.STRING, Kind.BINARY, Kind.DATETIME)
    return not isinstance(value, str if texts else bool if kind is Kind.BOOLEAN else int | float)


def _tensor(name: str, datatype: str, values: list[Any]) -> Body:
    return {"name": name, "shape": [len(values)], "datatype": datatype, "data": values}


def _array_tensor(signature: Tensor, spec: Spec, given: list[Any]) -> list[Body]:
    dtype, _ = tensor_of(spec)
    try:
        array = np.array(given, np.dtype(dtype))
        datatype = DATATYPES.get(array.dtype, BYTES)
    except (ValueError, TypeError, OverflowError):
        return []
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return []
    flat = _flat(given, array.ndim)
    return [
        {
            "name": signature.name or "input-0",
            "shape": list(array.shape),
            "datatype": datatype,
            "data": flat,
        }
    ]


def _flat(given: list[Any], depth: int) -> list[Any]:
    """The values as they were written, so that no number changes on the way through an array."""
    for _ in range(depth - 1):
        given = [value for part in given for value in part]
    return given
