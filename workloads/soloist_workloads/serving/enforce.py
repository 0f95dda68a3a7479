"""Holds a table or an array against the signature, with the conversions that MLflow allows and no others.

The rules are MLflow's (3.17): widening within a kind, 32-bit integers to double, any precision of datetime,
nothing that would lose information. `tests/workloads` compares with mlflow's own scoring server.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from soloist_workloads.serving.numpy_types import NUMPY_TYPES
from soloist_workloads.serving.problem import INVALID_PARAMETER_VALUE, RequestProblem
from soloist_workloads.serving.signature import Column, Columns, Kind

ModelInput: TypeAlias = "pd.DataFrame | np.ndarray[Any, Any]"

REMEDIES: dict[Kind, str] = {
    Kind.BOOLEAN: "Send true or false.",
    Kind.INTEGER: "Send whole numbers of 32 bits, without null.",
    Kind.LONG: "Send whole numbers, without null.",
    Kind.FLOAT: "Send numbers, or null where a value is missing.",
    Kind.DOUBLE: "Send numbers, or null where a value is missing.",
    Kind.STRING: "Send strings.",
    Kind.BINARY: "Send the bytes as a base64 string.",
    Kind.DATETIME: "Send times such as 2013-01-31T17:45:00, without a time zone.",
}


def enforce_table(table: pd.DataFrame, signature: Columns) -> pd.DataFrame:
    """The columns of the signature in its order and types; other columns are ignored."""
    if not signature.named:
        return _enforce_by_position(table, signature)
    require_columns(table.columns, signature)
    return pd.DataFrame(
        {
            column.name: enforce_column(table[column.name], column)
            for column in signature.columns
            if column.name in table
        }
    )


def require_columns(present: Iterable[Any], signature: Columns) -> None:
    names = list(present)
    known = set(names)
    missing = [str(column.name) for column in signature.required if column.name not in known]
    if not missing:
        return
    wanted = {column.name for column in signature.columns}
    extra = [str(name) for name in names if name not in wanted]
    hint = f" These came instead and are not in the signature: {', '.join(extra)}." if extra else ""
    types = {column.name: column.kind for column in signature.columns}
    listed = ", ".join(f"{name} ({types[name]})" for name in missing)
    raise RequestProblem(
        f"The model needs {'columns' if len(missing) > 1 else 'column'} {listed}: missing from the "
        f"request. Add what is missing.{hint}",
        code=INVALID_PARAMETER_VALUE,
    )


def _enforce_by_position(table: pd.DataFrame, signature: Columns) -> pd.DataFrame:
    wanted = len(signature.columns)
    if len(table.columns) < wanted:
        raise RequestProblem(
            f"The model needs {wanted} columns, the request has {len(table.columns)}.",
            code=INVALID_PARAMETER_VALUE,
        )
    pairs = zip(table.columns[:wanted], signature.columns, strict=True)
    return pd.DataFrame({name: enforce_column(table[name], column) for name, column in pairs})


def enforce_column(values: pd.Series, column: Column) -> pd.Series:
    """One column as the model gets it; raises when only a lossy conversion would make it fit."""
    kind = column.kind
    if values.dtype == object and kind not in (Kind.BINARY, Kind.STRING):
        values = values.infer_objects()
    dtype = values.dtype
    if dtype == NUMPY_TYPES[kind]:
        return values
    anything = dtype.kind == "O" and isinstance(dtype, np.dtype)
    textual = anything or isinstance(dtype, pd.StringDtype)
    match kind:
        case Kind.STRING if textual:
            return values
        case Kind.BINARY if textual or dtype.kind == "S":
            return values
        case Kind.BOOLEAN if anything:
            return values
        case Kind.DATETIME:
            return _as_datetime(values, column)
        case Kind.STRING | Kind.BINARY | Kind.BOOLEAN:
            raise unfit(column, f"came as {dtype}")
        case _:
            return _widen(values, column)


def _as_datetime(values: pd.Series, column: Column) -> pd.Series:
    if values.dtype != object and values.dtype.kind != "M":
        raise unfit(column, f"came as {values.dtype}")
    try:
        return values.astype(NUMPY_TYPES[Kind.DATETIME])
    except (TypeError, ValueError) as error:
        raise unfit(column, str(error)) from None


def _widen(values: pd.Series, column: Column) -> pd.Series:
    target = NUMPY_TYPES[column.kind]
    given = values.dtype
    if not isinstance(given, np.dtype):
        raise unfit(column, f"came as {given}")
    if given.kind == target.kind:
        fits = given.itemsize <= target.itemsize
    elif given.kind == "u" and target.kind == "i":
        fits = given.itemsize < target.itemsize
    elif given.kind in "iu" and target == np.float64:
        fits = given.itemsize <= 4
    else:
        fits = False
    # MLflow's exception to the rule: 64-bit columns of nothing but 0 and 1 are flags, and fit into floats.
    flags = given == np.int64 and target.kind == "f" and bool(values.isin([0, 1]).all())
    if not fits and not flags:
        raise unfit(column, f"came as {given}, which can't be converted without loss")
    return values.astype(target)


def unfit(column: Column, problem: str) -> RequestProblem:
    return RequestProblem(
        f"Column {column.name} must be {column.kind}: {problem}. {REMEDIES[column.kind]}",
        code=INVALID_PARAMETER_VALUE,
    )
