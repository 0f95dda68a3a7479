"""Every accepted form of `/invocations` as a table or an array, converted exactly as MLflow converts it.

This path follows MLflow step by step, through pandas, for whatever JSON holds. `plan.py` is the short cut for the
usual case; it steps aside for this one whenever it isn't sure.
"""

from __future__ import annotations

import io
import json
from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd

from soloist_workloads.serving.cast import cast_table, explain_misfit, pandas_type
from soloist_workloads.serving.enforce import (
    ModelInput,
    enforce_table,
)
from soloist_workloads.serving.forms import INPUTS, INSTANCES, RECORDS, SPLIT
from soloist_workloads.serving.numpy_types import NUMPY_TYPES
from soloist_workloads.serving.problem import (
    INVALID_PARAMETER_VALUE,
    REFUSALS,
    RequestProblem,
    json_type,
    show,
)
from soloist_workloads.serving.signature import Checkable, Column, Columns, Nothing, Tensor
from soloist_workloads.serving.tables import table_from_records, table_from_split
from soloist_workloads.serving.tensor import enforce_tensor

FORMS = (SPLIT, RECORDS, INSTANCES, INPUTS)

ONE_FORM = (
    "Send a JSON object with exactly one of dataframe_split, dataframe_records, instances or inputs"
)


def read_json(body: bytes, signature: Checkable) -> ModelInput:
    request = _parse(body)
    forms = [form for form in FORMS if form in request]
    if len(forms) != 1:
        raise RequestProblem(f"{ONE_FORM}; this one has {show(sorted(request))}.")
    form = forms[0]
    if form in (SPLIT, RECORDS):
        table = table_from_split(request) if form == SPLIT else table_from_records(request)
        return enforce(cast_table(table, signature), signature)
    given = request[form]
    if form == INSTANCES and isinstance(given, list) and given and isinstance(given[0], dict):
        return enforce(_columns_of_instances(given, signature), signature)
    converted = _convert(given, signature)
    if form == INSTANCES:
        _require_equal_lengths(converted, signature)
    return enforce(converted, signature)


def read_csv(body: bytes, signature: Checkable) -> ModelInput:
    if isinstance(signature, Tensor):
        raise RequestProblem("The model takes an array, which CSV can't say. Send JSON.")
    dtypes: Any = None
    if isinstance(signature, Columns):
        dtypes = {column.name: pandas_type(column.kind) for column in signature.columns}
    try:
        table = pd.read_csv(io.StringIO(body.decode("utf-8")), dtype=dtypes)
    except REFUSALS as error:
        raise RequestProblem(f"The body is not CSV that fits the signature: {error}.") from None
    return enforce(table, signature)


def read_parquet(body: bytes, signature: Checkable) -> ModelInput:
    try:
        table = pd.read_parquet(io.BytesIO(body))
    except REFUSALS as error:
        raise RequestProblem(f"The body is not a Parquet file: {error}.") from None
    return enforce(table, signature)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body)
    except ValueError as error:
        raise RequestProblem(f"The body is not JSON: {error}. {ONE_FORM}.") from None
    except RecursionError:
        raise RequestProblem("The body nests too deep to be read. Send fewer levels.") from None
    if not isinstance(request, dict):
        raise RequestProblem(f"{ONE_FORM}; this is a JSON {json_type(request)}.")
    return request


def _columns_of_instances(rows: list[Any], signature: Checkable) -> dict[str, Any]:
    gathered: dict[str, list[Any]] = defaultdict(list)
    columns = _named(signature)
    for position, row in enumerate(rows):
        if not isinstance(row, dict):
            raise RequestProblem(f"instances[{position}] is no object, but instances[0] is.")
        for name, value in row.items():
            gathered[name].append(_typed(value, columns.get(name)))
    table = {name: np.array(values) for name, values in gathered.items()}
    _require_equal_lengths(table, signature)
    return table


def _convert(given: Any, signature: Checkable) -> Any:
    """`inputs` and column-wise `instances`: JSON to arrays of the signature's types."""
    columns = _named(signature)
    nameless = isinstance(signature, Tensor) or (
        isinstance(signature, Columns) and not signature.named
    )
    if (
        len(columns) == 1
        and isinstance(given, list)
        and not any(isinstance(x, dict) for x in given)
    ):
        given = {next(iter(columns)): given}
    elif nameless and isinstance(given, dict):
        raise RequestProblem(
            "The model's inputs have no names. Send an array instead of an object."
        )
    if isinstance(given, dict):
        return {name: _typed(value, columns.get(name)) for name, value in given.items()}
    if isinstance(given, list) and all(isinstance(row, dict) for row in given):
        return [{name: _typed(v, columns.get(name)) for name, v in row.items()} for row in given]
    dtype = _first_type(signature)
    try:
        return _array(given, dtype)
    except REFUSALS as error:
        raise RequestProblem(
            f"The input must be an array of {dtype}, got {show(given)}: {error}."
        ) from None


def _named(signature: Checkable) -> dict[Any, Column]:
    if not isinstance(signature, Columns) or not signature.named:
        return {}
    return {column.name: column for column in signature.columns}


def _first_type(signature: Checkable) -> np.dtype[Any] | None:
    match signature:
        case Tensor():
            return np.dtype(signature.dtype)
        case Columns():
            return NUMPY_TYPES[signature.columns[0].kind]
        case Nothing():
            return None


def _typed(value: Any, column: Column | None) -> Any:
    if column is None:
        return np.array(value)  # no column of the signature: it is dropped later
    try:
        return _array(value, NUMPY_TYPES[column.kind])
    except REFUSALS as error:
        values = value if isinstance(value, list) else [value]
        raise explain_misfit(values, column, error) from None


def _array(value: Any, dtype: np.dtype[Any] | None) -> Any:
    return np.array(value, dtype) if isinstance(value, list) else np.array([value], dtype)[0]


def _require_equal_lengths(table: Any, signature: Checkable) -> None:
    if not isinstance(table, dict):
        return
    lengths = {name: len(values) for name, values in table.items() if np.ndim(values) > 0}
    if isinstance(signature, Columns) and signature.named:
        required = {column.name for column in signature.required}
        lengths = {name: length for name, length in lengths.items() if name in required}
    if len(set(lengths.values())) > 1:
        raise RequestProblem(f"The columns of instances differ in length: {show(lengths)}.")


def enforce(given: Any, signature: Checkable) -> ModelInput:
    """The model's own input, or a problem that says what doesn't fit."""
    match signature:
        case Columns():
            return enforce_table(_as_table(given), signature)
        case Tensor():
            return enforce_tensor(given, signature)
        case Nothing() if isinstance(given, pd.DataFrame | np.ndarray):
            return given
        case Nothing():
            raise RequestProblem(
                "The model was logged without a signature, so only tables and arrays can be understood. "
                "Send dataframe_split, or log the model with a signature."
            )


def _as_table(given: Any) -> pd.DataFrame:
    """Arrays, scalars and objects as MLflow turns them into one table."""
    if isinstance(given, pd.DataFrame):
        return given
    try:
        if np.isscalar(given):
            return pd.DataFrame([given])
        if not isinstance(given, dict):
            return pd.DataFrame(given)
        if all(np.isscalar(value) or value is None for value in given.values()):
            return pd.DataFrame([given])
        deep = {name: v.tolist() if np.ndim(v) > 1 else v for name, v in given.items()}
        return pd.DataFrame(deep)
    except REFUSALS as error:
        raise RequestProblem(
            f"The inputs are not a table: {error}.", code=INVALID_PARAMETER_VALUE
        ) from None
