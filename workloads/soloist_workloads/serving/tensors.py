"""Tensors of the Open Inference Protocol as they come in a JSON request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from soloist_workloads.serving.problem import REFUSALS, RequestProblem, json_type, show

NUMBERS = {
    "BOOL": "bool",
    "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64",
    "INT8": "int8", "INT16": "int16", "INT32": "int32", "INT64": "int64",
    "FP16": "float16", "FP32": "float32", "FP64": "float64",
}  # fmt: skip
DATATYPES = {np.dtype(name): datatype for datatype, name in NUMBERS.items()}
BYTES = "BYTES"


@dataclass(frozen=True, slots=True)
class InputTensor:
    """One input of a request: its values flat, in row-major order."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: list[Any]

    def array(self) -> np.ndarray[Any, Any]:
        dtype = object if self.datatype == BYTES else NUMBERS[self.datatype]
        try:
            return np.array(self.values, dtype=dtype).reshape(self.shape)
        except REFUSALS as error:
            raise RequestProblem(
                f"Input {self.name} is no {self.datatype} tensor of shape {list(self.shape)}: {error}."
            ) from None


def parse_tensor(position: int, given: Any) -> InputTensor:
    where = f"inputs[{position}]"
    if not isinstance(given, dict):
        raise RequestProblem(f"{where} must be an object, it is {json_type(given)}.")
    parameters = given.get("parameters")
    if isinstance(parameters, dict) and "binary_data_size" in parameters:
        raise RequestProblem(f"{where} comes as binary data, which isn't understood. Send JSON.")
    for field in ("name", "datatype", "shape", "data"):
        if field not in given:
            raise RequestProblem(
                f"{where} has no {field}. A tensor has name, shape, datatype and data."
            )
    datatype = given["datatype"]
    if datatype != BYTES and datatype not in NUMBERS:
        raise RequestProblem(
            f"{where} has datatype {show(datatype)}. Known are {', '.join([*NUMBERS, BYTES])}."
        )
    return InputTensor(
        name=str(given["name"]),
        datatype=datatype,
        shape=_parse_shape(where, given["shape"]),
        values=_flatten(given["data"]),
    )


def _parse_shape(where: str, shape: Any) -> tuple[int, ...]:
    if isinstance(shape, list) and shape and all(type(n) is int and n >= 0 for n in shape):
        return tuple(shape)
    raise RequestProblem(f"{where} has shape {show(shape)}; it must be an array of lengths.")


def _flatten(data: Any) -> list[Any]:
    """The protocol allows tensors nested or flat."""
    values: list[Any] = data if isinstance(data, list) else [data]
    while values and isinstance(values[0], list):
        values = [value for row in values for value in (row if isinstance(row, list) else [row])]
    return values


def flatten_column(tensor: InputTensor) -> np.ndarray[Any, Any]:
    array = tensor.array()
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
        return array.reshape(-1)
    raise RequestProblem(
        f"Input {tensor.name} is a column: its shape must be [rows] or [rows, 1], not {list(tensor.shape)}."
    )
