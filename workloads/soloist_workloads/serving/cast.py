"""Gives the columns of a JSON table the types that JSON can't say, as MLflow does before it checks them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from soloist_workloads.serving.enforce import REMEDIES
from soloist_workloads.serving.numpy_types import NUMPY_TYPES
from soloist_workloads.serving.problem import (
    INVALID_PARAMETER_VALUE,
    REFUSALS,
    RequestProblem,
    json_type,
    show,
)
from soloist_workloads.serving.signature import Checkable, Column, Kind, Nothing, Tensor


def cast_table(table: pd.DataFrame, signature: Checkable) -> pd.DataFrame:
    """Give columns the types that JSON can't say."""
    if isinstance(signature, Nothing):
        return table
    if isinstance(signature, Tensor):
        return _cast_to_tensor(table, signature)
    columns = signature.columns
    if not signature.named:
        columns = tuple(
            Column(name, column.kind, column.required)
            for name, column in zip(table.columns, columns, strict=False)
        )
    _require_once(table, columns)
    for column in columns:
        if column.name in table.columns:
            table[column.name] = _cast_column(table[column.name], column)
    return table


def _require_once(table: pd.DataFrame, columns: Iterable[Column]) -> None:
    """Two columns of one name are no answer to which of them is meant."""
    twice = set(table.columns[table.columns.duplicated()])
    for column in columns:
        if column.name in twice:
            raise RequestProblem(
                f"Column {column.name} comes more than once. Send it once.",
                code=INVALID_PARAMETER_VALUE,
            )


def _cast_column(values: pd.Series, column: Column) -> pd.Series:
    try:
        match column.kind:
            case Kind.BINARY:
                return values.map(lambda text: base64.decodebytes(bytes(text, "utf8")))
            case Kind.DATETIME:
                return _nanoseconds(pd.to_datetime(values))
            case Kind.STRING:
                return values if isinstance(values.dtype, pd.StringDtype) else values.astype(object)
            case _:
                return values.astype(NUMPY_TYPES[column.kind])
    except REFUSALS as error:
        raise explain_misfit(values.tolist(), column, error) from None


def _nanoseconds(times: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(times) and times.dt.unit != "ns":
        return times.dt.as_unit("ns")
    return times


def _cast_to_tensor(table: pd.DataFrame, signature: Tensor) -> pd.DataFrame:
    for name in table.columns:
        try:
            if not isinstance(table[name].iloc[0], list):
                table[name] = table[name].astype(np.dtype(signature.dtype))
        except REFUSALS as error:
            raise RequestProblem(
                f"Column {name} must be {signature.dtype}: {error}. Send numbers in every row."
            ) from None
    return table


def explain_misfit(values: list[Any], column: Column, error: Exception) -> RequestProblem:
    """Name the first value that doesn't fit; MLflow's own message is the fallback."""
    for row, value in enumerate(values):
        if _fits_alone(value, column.kind):
            continue
        return RequestProblem(
            f"Column {column.name} must be {column.kind}, but row {row} has {show(value)} "
            f"({json_type(value)}). {REMEDIES[column.kind]}"
        )
    return RequestProblem(
        f"Column {column.name} must be {column.kind}: {error}. {REMEDIES[column.kind]}"
    )


def _fits_alone(value: Any, kind: Kind) -> bool:
    try:
        match kind:
            case Kind.BINARY:
                base64.decodebytes(bytes(value, "utf8"))
            case Kind.DATETIME:
                pd.to_datetime(pd.Series([value]))
            case _:
                pd.Series([value]).astype(pandas_type(kind))
    except REFUSALS:
        return False
    return True


def pandas_type(kind: Kind) -> Any:
    return object if kind in (Kind.STRING, Kind.BINARY) else NUMPY_TYPES[kind]
