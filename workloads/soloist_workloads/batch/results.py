"""Answers as tables: the rows with their predictions, and the refused rows with their reasons."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from soloist_workloads.batch.asking import Answers
from soloist_workloads.batch.problem import BatchProblem

PREDICTION, REASON = "prediction", "refused_because"


def scored_table(table: pa.Table, answers: Answers) -> pa.Table:
    """The answered rows as they came, with one column more, or one for each name that the model gave."""
    rows = sorted(answers.predictions)
    given = [answers.predictions[row] for row in rows]
    return _with(table.take(pa.array(rows, pa.int64())), _columns(given))


def refused_table(table: pa.Table, answers: Answers) -> pa.Table:
    rows = sorted(answers.reasons)
    reasons = pa.array([answers.reasons[row] for row in rows], pa.string())
    return _with(table.take(pa.array(rows, pa.int64())), {REASON: reasons})


def _columns(given: list[Any]) -> dict[str, Any]:
    if not given or not all(isinstance(one, dict) for one in given):
        return {PREDICTION: _array(given)}
    names = dict.fromkeys(name for one in given for name in one)
    return {f"{PREDICTION}_{name}": _array([one.get(name) for one in given]) for name in names}


def _array(values: list[Any]) -> Any:
    try:
        array = pa.array(values)
    except (pa.ArrowException, TypeError):  # answers of several types: JSON holds them all
        return pa.array([json.dumps(value) for value in values], pa.string())
    # Without any answer there is no type; numbers are the likeliest, and an empty table must join the others.
    return array.cast(pa.float64()) if pa.types.is_null(array.type) else array


def _with(table: pa.Table, columns: dict[str, Any]) -> pa.Table:
    for name, values in columns.items():
        if name in table.column_names:
            raise BatchProblem(
                f"The input has a column {name}, where the result belongs. Rename that column in the input."
            )
        table = table.append_column(name, values)
    return table


def write_bytes(table: pa.Table, *, is_csv: bool) -> bytes:
    """The file's content: of the same kind as the input."""
    sink = io.BytesIO()
    if is_csv:
        pacsv.write_csv(_as_text(table), sink)
    else:
        pq.write_table(table, sink)
    return sink.getvalue()


def _as_text(table: pa.Table) -> pa.Table:
    """Numbers with as many digits as it takes to read the same bits again; lists as JSON."""
    texts = [
        column
        if pa.types.is_string(column.type)
        else pa.array(map(_text, column.to_pylist()), pa.string())
        for column in table.columns
    ]
    return pa.table(texts, names=table.column_names)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return repr(value) if isinstance(value, float) else json.dumps(value)
