"""Tensors of the Open Inference Protocol as they come in a request, in JSON or as binary data beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from soloist_workloads.serving.binary import Tail, decode_bytes, decode_numbers
from soloist_workloads.serving.problem import REFUSALS, RequestProblem, json_type, show

NUMBERS = {
    "BOOL": "bool",
    "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64",
    "INT8": "int8", "INT16": "int16", "INT32": "int32", "INT64": "int64",
    "FP16": "float16", "FP32": "float32", "FP64": "float64",
}  # fmt: skip
DATATYPES = {np.dtype(name): datatype for datatype, name in NUMBERS.items()}
BYTES = "BYTES"
SIZE = "binary_data_size"

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class InputTensor:
    """One input of a request: its values flat, in row-major order."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: list[Any] | Array

    def array(self) -> Array:
        """May share the request's memory, so what writes to it takes a copy."""
        dtype = object if self.datatype == BYTES else NUMBERS[self.datatype]
        try:
            return np.asarray(self.values, dtype=dtype).reshape(self.shape)
        except REFUSALS as error:
            raise RequestProblem(
                f"Input {self.name} is no {self.datatype} tensor of shape {list(self.shape)}: {error}."
            ) from None

    def texts(self) -> Array:
        """The same, with the bytes of binary data read as UTF-8."""
        array = self.array()
        if self.datatype != BYTES:
            return array
        texts = np.empty(array.size, object)
        for position, value in enumerate(array.reshape(-1)):
            texts[position] = self._text(position, value) if isinstance(value, bytes) else value
        return texts.reshape(array.shape)

    def _text(self, position: int, value: bytes) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise RequestProblem(
                f"Input {self.name}: element {position} of {len(value)} bytes is not UTF-8 text: {error.reason} at "
                f"byte {error.start}."
            ) from None


def parse_tensor(position: int, given: Any, tail: Tail) -> InputTensor:
    where = f"inputs[{position}]"
    if not isinstance(given, dict):
        raise RequestProblem(f"{where} must be an object, it is {json_type(given)}.")
    parameters = given.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    if "shared_memory_region" in parameters:
        raise RequestProblem(f"{where} lies in shared memory, which isn't offered. Send its data.")
    is_binary = SIZE in parameters
    if is_binary and "data" in given:
        raise RequestProblem(f"{where} has both data and {SIZE}. Send one of them.")
    for field in ("name", "datatype", "shape", *(() if is_binary else ("data",))):
        if field not in given:
            raise RequestProblem(
                f"{where} has no {field}. A tensor has name, shape, datatype and data."
            )
    name, datatype = str(given["name"]), given["datatype"]
    if datatype != BYTES and datatype not in NUMBERS:
        raise RequestProblem(
            f"{where} has datatype {show(datatype)}. Known are {', '.join([*NUMBERS, BYTES])}."
        )
    shape = _parse_shape(where, given["shape"])
    if is_binary:
        values: list[Any] | Array = _decode(
            name, datatype, shape, tail.take(name, parameters[SIZE])
        )
    else:
        values = _flatten(given["data"])
    return InputTensor(name=name, datatype=datatype, shape=shape, values=values)


def _decode(name: str, datatype: str, shape: tuple[int, ...], raw: memoryview) -> Array:
    if datatype == BYTES:
        return decode_bytes(name, shape, raw)
    return decode_numbers(name, datatype, np.dtype(NUMBERS[datatype]), shape, raw)


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


def flatten_column(tensor: InputTensor, array: Array) -> Array:
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
        return array.reshape(-1)
    raise RequestProblem(
        f"Input {tensor.name} is a column: its shape must be [rows] or [rows, 1], not {list(tensor.shape)}."
    )
