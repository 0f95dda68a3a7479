"""Asks the model about rows exactly as a client of its endpoint does: a JSON request to `Scorer.invoke`.

One row is one request. Rows share a request only for a model that is known to treat them apart: a matrix product of a
hundred rows may round otherwise than that of one, and then the answers in a table would not be the endpoint's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa

from soloist_workloads.batch.problem import BatchProblem
from soloist_workloads.batch.reading import column_values
from soloist_workloads.serving.enforce import require_columns
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.scorer import JSON, Scorer
from soloist_workloads.serving.signature import Columns, Kind, Signature, Tensor

MOST_TOGETHER = 512
# As Python's values a row takes ten times the memory of its columns, and a row group may have a million rows.
MOST_AT_ONCE = 8192
Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Form:
    """How a row becomes a request: the table's columns that the model sees, and its kinds."""

    columns: tuple[str, ...]
    kinds: tuple[Kind | None, ...]
    is_array: bool = False
    """The model takes an array and knows no names."""
    is_vector: bool = False


@dataclass(slots=True)
class Answers:
    """By row: an answer, or the reason why there is none."""

    predictions: dict[int, Any] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)

    def add(self, others: Answers, first: int) -> None:
        """Take up the answers to the rows from `first` on."""
        self.predictions.update({first + row: said for row, said in others.predictions.items()})
        self.reasons.update({first + row: said for row, said in others.reasons.items()})


def choose_form(names: Sequence[str], signature: Signature) -> Form:
    """Raises RequestProblem when a column is missing: no row of such a table could be answered."""
    if len(set(names)) < len(names):
        raise RequestProblem("Two columns have the same name: give each a name of its own.")
    match signature:
        case Columns(named=True):
            require_columns(names, signature)
            given = set(names)
            used = [column for column in signature.columns if column.name in given]
            return Form(tuple(str(one.name) for one in used), tuple(one.kind for one in used))
        case Columns():
            wanted = len(signature.columns)
            if len(names) < wanted:
                raise RequestProblem(
                    f"The model needs {wanted} columns, and there are {len(names)}."
                )
            return Form(tuple(names[:wanted]), tuple(one.kind for one in signature.columns))
        case Tensor(shape=shape) if len(shape) > 2:
            raise RequestProblem(
                f"The model takes arrays of the shape {list(shape)}, which the rows of a table don't make. Log a model"
                " that takes a table."
            )
        case Tensor(dtype=dtype, shape=shape):
            kind = Kind.DOUBLE if dtype.startswith("float") else Kind.LONG
            return Form(tuple(names), (kind,) * len(names), True, len(shape) == 1)
        case _:
            return Form(tuple(names), (None,) * len(names))


def ask(scorer: Scorer, table: pa.Table, *, is_text: bool, together: int | None = None) -> Answers:
    """An answer or a reason for every row of the table."""
    form = choose_form(table.column_names, scorer.inputs)
    size = together or rows_together(scorer, form, table)
    answers = Answers()
    for first in range(0, table.num_rows, MOST_AT_ONCE):
        rows = _rows(table.slice(first, MOST_AT_ONCE), form, is_text=is_text)
        found = Answers()
        for start in range(0, len(rows), size):
            _ask_some(scorer, form, rows, range(start, min(start + size, len(rows))), found)
        answers.add(found, first)
    return answers


def _rows(table: pa.Table, form: Form, *, is_text: bool) -> list[Row]:
    columns = [
        column_values(table[name], kind, is_text=is_text)
        for name, kind in zip(form.columns, form.kinds, strict=True)
    ]
    return list(zip(*columns, strict=True)) if columns else [()] * table.num_rows


def rows_together(scorer: Scorer, form: Form, table: pa.Table) -> int:
    """How many rows one request may hold without changing a bit of any answer."""
    # Only scorers that keep a list of such models have the attribute.
    matrix = getattr(scorer, "matrix", None)
    if matrix is None or not matrix.rows_are_apart:
        return 1
    # A whole number reaches 32 bits on another way when a fraction stands beside it, and may round twice there.
    rounded = any(
        kind is Kind.FLOAT and pa.types.is_integer(table[name].type)
        for name, kind in zip(form.columns, form.kinds, strict=True)
    )
    return 1 if rounded else MOST_TOGETHER


def _ask_some(scorer: Scorer, form: Form, rows: list[Row], some: range, answers: Answers) -> None:
    """When rows are refused together, halves are asked, so that only those that are to blame stay refused."""
    if not some:
        return
    try:
        found = _predictions(scorer, form, [rows[place] for place in some])
    except RequestProblem as problem:
        if problem.status >= 500:
            raise BatchProblem(f"The model can't answer: {problem.message}") from problem
        if len(some) == 1:
            answers.reasons[some.start] = problem.message
            return
        middle = some.start + len(some) // 2
        _ask_some(scorer, form, rows, range(some.start, middle), answers)
        _ask_some(scorer, form, rows, range(middle, some.stop), answers)
        return
    answers.predictions.update(zip(some, found, strict=True))


def _predictions(scorer: Scorer, form: Form, rows: list[Row]) -> list[Any]:
    reply = scorer.invoke(write_request(form, rows), JSON)
    if reply.status != 200:
        raise RequestProblem(reply.body.decode(errors="replace"), status=reply.status)
    answer = read_json(reply.body)
    found = answer.get("predictions") if isinstance(answer, dict) else None
    if not isinstance(found, list) or len(found) != len(rows):
        said = f"{len(found)} answers" if isinstance(found, list) else "no list of answers"
        raise BatchProblem(
            f"The model gave {said} to {len(rows)} rows, so nobody can say which answer is whose. Its predict must"
            " give one answer per row."
        )
    return found


def write_request(form: Form, rows: list[Row]) -> bytes:
    """The body of a request to `/invocations`."""
    if form.is_array:
        body: dict[str, Any] = {"inputs": [row[0] if form.is_vector else row for row in rows]}
    else:
        body = {"dataframe_split": {"columns": form.columns, "data": rows}}
    # orjson writes an infinite number as null; Python writes what MLflow reads.
    finite = all(math.isfinite(value) for row in rows for value in row if isinstance(value, float))
    try:
        return orjson.dumps(body) if finite else json.dumps(body, default=str).encode()
    except TypeError:
        return json.dumps(
            body, default=str
        ).encode()  # whole numbers of more than 64 bits, and what has no JSON


def read_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except ValueError:  # NaN, which JSON doesn't have and MLflow's answers do
        return json.loads(body)
