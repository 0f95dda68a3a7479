"""The model's input example in every form of a request; made up from the signature where there is none."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soloist_workloads.serving.openapi.sides import (
    Spec,
    is_named,
    is_required,
    read_json,
    tensor_of,
)

SPLIT, RECORDS, INSTANCES, INPUTS = "dataframe_split", "dataframe_records", "instances", "inputs"
FORMS = (SPLIT, RECORDS, INSTANCES, INPUTS)
# An example explains; thousands of rows don't.
MOST_ROWS, MOST_BYTES = 3, 256 * 1024
MOST_NUMBERS = 4096
MADE_UP: dict[str, Any] = {
    "boolean": False, "integer": 0, "long": 0, "float": 0.0, "double": 0.0, "string": "text",
    "binary": "AA==", "datetime": "2000-01-01T00:00:00", "array": [], "map": {}, "any": None,
}  # fmt: skip

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under names; names are None where the signature has none."""

    names: tuple[str, ...] | None
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Example:
    """What a client might send: as a table, or as it was written where it is none."""

    table: Table | None = None
    form: str = INPUTS
    given: Any = None
    params: Body | None = None
    is_made_up: bool = False


def read_example(file: Path | None, specs: Sequence[Spec]) -> Example:
    """The author's own rows, as far as they fit the signature."""
    request = _read(file)
    forms = [form for form in FORMS if form in request]
    if len(forms) != 1:
        return make_example(specs)
    (form,) = forms
    params = request.get("params")
    given = request[form]
    table = _table(form, given, specs)
    if table is None and specs and _is_tabular(specs):
        return make_example(specs)
    if table is None and isinstance(given, list):
        given = given[:MOST_ROWS]
    return Example(table, form, given, params if isinstance(params, dict) else None)


def _read(file: Path | None) -> Body:
    try:
        if file is None or file.stat().st_size > MOST_BYTES:
            return {}
        request = read_json(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return request if isinstance(request, dict) else {}


def _is_tabular(specs: Sequence[Spec]) -> bool:
    return all(spec.get("type") != "tensor" for spec in specs)


def _table(form: str, given: Any, specs: Sequence[Spec]) -> Table | None:
    """The rows under the signature's names, without the columns that not every row has."""
    rows = _rows(form, given)
    if not rows or (specs and not _is_tabular(specs)):
        return None
    if specs and not is_named(specs):
        flat = tuple(tuple(row.values()) for row in rows)
        return Table(None, flat) if all(len(row) == len(specs) for row in flat) else None
    wanted = {spec["name"]: is_required(spec) for spec in specs} or dict.fromkeys(rows[0], True)
    names = tuple(name for name in wanted if all(name in row for row in rows))
    if any(needed and name not in names for name, needed in wanted.items()):
        return None
    return Table(names, tuple(tuple(row[name] for name in names) for row in rows))


def _rows(form: str, given: Any) -> list[dict[str, Any]]:
    """Each row by its columns' names; nothing where it's no table."""
    if form == SPLIT and isinstance(given, dict) and isinstance(given.get("data"), list):
        names = given.get("columns")
        rows = [row for row in given["data"][:MOST_ROWS] if isinstance(row, list)]
        if names is None:
            return [{str(at): value for at, value in enumerate(row)} for row in rows]
        if not isinstance(names, list) or any(len(row) != len(names) for row in rows):
            return []
        return [dict(zip(map(str, names), row, strict=True)) for row in rows]
    if isinstance(given, list) and given and all(isinstance(row, dict) for row in given):
        return given[:MOST_ROWS]
    if form in (INPUTS, INSTANCES) and isinstance(given, dict) and given:
        columns = list(given.values())
        if all(isinstance(column, list) for column in columns):
            cells = zip(*(column[:MOST_ROWS] for column in columns), strict=False)
            return [dict(zip(given, row, strict=True)) for row in cells]
    return []


def make_example(specs: Sequence[Spec]) -> Example:
    """One row of zeros and short texts."""
    if not specs:
        return Example(is_made_up=True)
    if _is_tabular(specs):
        names = tuple(spec["name"] for spec in specs) if is_named(specs) else None
        row = tuple(_made_up(spec) for spec in specs)
        return Example(Table(names, (row,)), is_made_up=True)
    tensors = {str(spec.get("name")): _zeros(spec) for spec in specs}
    given = tensors if len(specs) > 1 else next(iter(tensors.values()))
    return Example(None, INPUTS, given, is_made_up=True)


def _made_up(spec: Any, depth: int = 0) -> Any:
    kind = spec.get("type") if isinstance(spec, dict) else None
    if kind == "object" and depth < MOST_ROWS and isinstance(spec.get("properties"), dict):
        return {name: _made_up(of, depth + 1) for name, of in spec["properties"].items()}
    return MADE_UP.get(kind) if isinstance(kind, str) else None


def _zeros(spec: Spec) -> Any:
    dtype, shape = tensor_of(spec)
    lengths = [1 if length == -1 else length for length in shape]
    if math.prod(lengths) > MOST_NUMBERS:
        return None  # an image of a million zeros explains nothing
    zero: Any = (
        "text" if dtype.startswith(("str", "<U", "object")) else False if dtype == "bool" else 0
    )
    for length in reversed(lengths):
        zero = [zero] * length
    return zero


def in_forms(example: Example, forms: Sequence[str]) -> dict[str, Body]:
    """A request's body per form; nothing where the example can't be said so."""
    more = {"params": example.params} if example.params else {}
    if example.table is not None:
        written = _written(example.table)
        return {form: {form: written[form], **more} for form in forms if form in written}
    if example.given is None:
        return {}
    same = forms if isinstance(example.given, list) else (example.form,)
    usable = [form for form in same if form in (INPUTS, INSTANCES) or form == example.form]
    return {form: {form: example.given, **more} for form in usable}


def _written(table: Table) -> dict[str, Any]:
    data = [list(row) for row in table.rows]
    if table.names is None:
        return {SPLIT: {"data": data}}
    records = [dict(zip(table.names, row, strict=True)) for row in table.rows]
    columns = {name: [row[at] for row in table.rows] for at, name in enumerate(table.names)}
    return {
        SPLIT: {"columns": list(table.names), "data": data},
        RECORDS: records,
        INSTANCES: records,
        INPUTS: columns,
    }


def as_csv(table: Table | None) -> str | None:
    if table is None or table.names is None:
        return None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.names)
    writer.writerows(table.rows)
    return text.getvalue()
