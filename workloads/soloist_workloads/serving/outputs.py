"""Predictions as tensors of the Open Inference Protocol, and what a signature promises of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from soloist_workloads.serving.answer import Records
from soloist_workloads.serving.binary import encode_bytes, encode_numbers
from soloist_workloads.serving.problem import RequestProblem, json_type
from soloist_workloads.serving.signature import (
    Beyond,
    Column,
    Columns,
    Kind,
    Nothing,
    Signature,
    Tensor,
)
from soloist_workloads.serving.tensors import BYTES, DATATYPES, SIZE

OFFERED: dict[Kind, str] = {
    Kind.BOOLEAN: "BOOL",
    Kind.INTEGER: "INT32",
    Kind.LONG: "INT64",
    Kind.FLOAT: "FP32",
    Kind.DOUBLE: "FP64",
    Kind.STRING: BYTES,
    Kind.BINARY: BYTES,
    Kind.DATETIME: BYTES,
}


def describe_tensors(signature: Signature, *, default: str) -> list[dict[str, Any]]:
    """A side of the signature as the metadata endpoint tells it."""
    match signature:
        case Columns():
            return [
                {
                    "name": tensor_name(column, default),
                    "datatype": OFFERED[column.kind],
                    "shape": [-1],
                }
                for column in signature.columns
            ]
        case Tensor():
            datatype = DATATYPES.get(np.dtype(signature.dtype), BYTES)
            shape = list(signature.shape)
            return [
                {
                    "name": signature.name or default,
                    "datatype": datatype,
                    "shape": shape,
                }
            ]
        case Nothing() | Beyond():
            return []


def tensor_name(column: Column, default: str) -> str:
    return (
        column.name
        if isinstance(column.name, str)
        else f"{default.rpartition('-')[0]}-{column.name}"
    )


@dataclass(frozen=True, slots=True)
class OutputTensor:
    """One output, before it is known whether it goes as JSON or as bytes."""

    name: str
    array: np.ndarray[Any, Any]

    @property
    def datatype(self) -> str:
        return DATATYPES.get(self.array.dtype.newbyteorder("="), BYTES)

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "shape": list(self.array.shape), "datatype": self.datatype}

    def as_json(self) -> dict[str, Any]:
        told, flat = self.describe(), self.array.reshape(-1)
        is_text = told["datatype"] == BYTES
        told["data"] = [_text(x) for x in flat] if is_text else flat.tolist()
        return told

    def as_binary(self) -> tuple[dict[str, Any], bytes]:
        if self.datatype == BYTES:
            raw = encode_bytes([_raw(value) for value in self.array.reshape(-1)])
        else:
            raw = encode_numbers(self.array)
        return self.describe() | {"parameters": {SIZE: len(raw)}}, raw


def name_outputs(predictions: Any, signature: Signature) -> list[OutputTensor]:
    """One tensor per output column; `output-0` when the model gives no name."""
    if isinstance(predictions, Records):
        named: Mapping[Any, Any] = predictions.columns
    elif hasattr(predictions, "columns"):  # a table, without importing pandas to ask
        named = {name: predictions[name] for name in predictions.columns}
    elif isinstance(predictions, dict):
        named = predictions
    else:
        named = {_output_name(signature): predictions}
    return [OutputTensor(str(name), np.asarray(values)) for name, values in named.items()]


def _output_name(signature: Signature) -> str:
    match signature:
        case Columns() if len(signature.columns) == 1:
            return tensor_name(signature.columns[0], "output-0")
        case Tensor() if signature.name:
            return signature.name
    return "output-0"


def _text(value: Any) -> str | None:
    """JSON has no bytes, so they go as base64, as they come."""
    if value is None:
        return None
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _raw(value: Any) -> bytes:
    if value is None:
        return b""
    return value if isinstance(value, bytes) else str(value).encode()


def choose_outputs(
    outputs: list[OutputTensor], requested: Any, *, binary: bool
) -> list[tuple[OutputTensor, bool]]:
    """The outputs that the request names, each with whether it goes as binary data; all when it names none."""
    if not requested:
        return [(output, binary) for output in outputs]
    if not isinstance(requested, list):
        raise RequestProblem(f'"outputs" must be an array, it is {json_type(requested)}.')
    known = {output.name: output for output in outputs}
    chosen = []
    for item in requested:
        fields = item if isinstance(item, dict) else {"name": item}
        name, parameters = str(fields.get("name")), fields.get("parameters") or {}
        if name not in known:
            raise RequestProblem(f"There is no output {name}. The model gives {', '.join(known)}.")
        for option in ("shared_memory_region", "classification"):
            if option in parameters:
                raise RequestProblem(f"Output {name} asks for {option}, which isn't offered.")
        chosen.append((known[name], bool(parameters.get("binary_data", binary))))
    return chosen
