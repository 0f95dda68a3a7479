"""Requests of nothing but numbers as one matrix: no DataFrame, no pandas, and rows that can be joined with others'.

As in `plan.py`, whatever isn't plainly what the signature asks for returns None, and the careful path decides. A matrix
lies in memory as the values of a DataFrame do, column after column: a model that multiplies matrices gives another
last bit when they lie row after row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import orjson

from soloist_workloads.serving.accepted import ACCEPTED
from soloist_workloads.serving.forms import UNREADABLE, read_columns
from soloist_workloads.serving.signature import Columns, Kind
from soloist_workloads.serving.tensors import NUMBERS

Array = np.ndarray[Any, Any]

INT32 = np.iinfo(np.int32)
DOUBLES = frozenset({float, int, type(None)})
FLOATS = frozenset({float, type(None)})
WHOLE = frozenset({int})
INFERENCE = frozenset({"inputs", "id"})
TENSOR = frozenset({"name", "datatype", "shape", "data"})


@dataclass(frozen=True, slots=True)
class MatrixPlan:
    """Columns of one number type, in the signature's order."""

    names: tuple[str, ...]
    fill: Callable[[Sequence[Sequence[Any]]], Array | None]
    dtype: np.dtype[Any]
    accepted: frozenset[str]

    def read_invocation(self, body: bytes) -> Array | None:
        """The matrix of an `/invocations` request in JSON."""
        try:
            columns = read_columns(orjson.loads(body), self.names)
            return None if columns is None else self.fill(columns)
        except UNREADABLE:
            return None

    def read_inference(self, body: bytes) -> tuple[Array, Any] | None:
        """The matrix of a v2 request and its id; a body with binary tensors behind its JSON isn't JSON."""
        try:
            request = orjson.loads(body)
            more = request.keys() - INFERENCE
            if more and any(request[field] for field in more):
                return None
            tensors = request["inputs"]
            if not all(map(self._is_readable, tensors)):
                return None
            rows = self._rows(tensors)
            return None if rows is None else (rows, request.get("id"))
        except UNREADABLE:
            return None

    def _is_readable(self, tensor: Any) -> bool:
        more = tensor.keys() - TENSOR
        if more and any(tensor[field] for field in more):
            return False
        return tensor["datatype"] in self.accepted

    def _rows(self, tensors: Any) -> Array | None:
        """One tensor of rows, when its name is no column's; or one tensor per column."""
        by_name = {tensor["name"]: tensor for tensor in tensors}
        wanted = len(self.names)
        if len(tensors) == 1 and tensors[0]["name"] not in self.names:
            shape = tensors[0]["shape"]
            if len(shape) != 2 or shape[1] != wanted:
                return None
            return self._convert(_array(tensors[0]))
        if len(by_name) != len(tensors) or len(tensors) != wanted:
            return None
        columns = [_array(by_name[name]) for name in self.names]
        shape = columns[0].shape
        if any(column.shape != shape for column in columns) or shape not in (
            (len(columns[0]),),
            (len(columns[0]), 1),
        ):
            return None
        stacked = [column.reshape(-1).astype(self.dtype, copy=False) for column in columns]
        return np.array(stacked).T

    def _convert(self, rows: Array) -> Array:
        return rows.astype(self.dtype, order="F", copy=False)


def _array(tensor: Any) -> Array:
    shape = tensor["shape"]
    if not WHOLE.issuperset(map(type, shape)) or min(shape, default=0) < 0:
        raise ValueError("careful")  # -1 is numpy's word for any length, not the protocol's
    values = tensor["data"]
    while isinstance(values[0], list):
        if not all(isinstance(row, list) for row in values):
            raise ValueError("careful")
        values = list(chain.from_iterable(values))
    return np.array(values, dtype=NUMBERS[tensor["datatype"]]).reshape(shape)


def compile_matrix_plan(signature: Columns, dtype: np.dtype[Any]) -> MatrixPlan:
    """For a signature whose columns are all of this type, named and required."""
    kind = signature.columns[0].kind
    return MatrixPlan(
        names=tuple(str(column.name) for column in signature.columns),
        fill=FILLERS[kind],
        dtype=dtype,
        accepted=frozenset(ACCEPTED[kind]),
    )


def _double(columns: Sequence[Sequence[Any]]) -> Array | None:
    if DOUBLES.issuperset(map(type, chain.from_iterable(columns))):
        return np.array(columns, np.float64).T
    return None


def _float(columns: Sequence[Sequence[Any]]) -> Array | None:
    # No whole numbers: a large one would be rounded twice on the way through 64 bits.
    if FLOATS.issuperset(map(type, chain.from_iterable(columns))):
        return np.array(columns, np.float64).astype(np.float32).T
    return None


def _long(columns: Sequence[Sequence[Any]]) -> Array | None:
    if WHOLE.issuperset(map(type, chain.from_iterable(columns))):
        return np.array(columns, np.int64).T
    return None


def _integer(columns: Sequence[Sequence[Any]]) -> Array | None:
    wide = _long(columns)
    if wide is None or wide.min() < INT32.min or wide.max() > INT32.max:
        return None
    return wide.astype(np.int32)


FILLERS: dict[Kind, Callable[[Sequence[Sequence[Any]]], Array | None]] = {
    Kind.DOUBLE: _double,
    Kind.FLOAT: _float,
    Kind.LONG: _long,
    Kind.INTEGER: _integer,
}
