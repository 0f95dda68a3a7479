"""The short cut: a signature compiled once into typed columns, for requests that hold exactly what it asks for.

Most requests are JSON numbers and strings in the signature's own columns. For them one pass builds typed arrays and
one DataFrame. Anything else (a missing value in a whole-number column, a column too few, a date, a number written
as text) returns None, and `careful.py` decides, so both paths together have one meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pandas as pd

from soloist_workloads.serving.forms import UNREADABLE, read_columns
from soloist_workloads.serving.signature import Column, Columns, Kind

Array = np.ndarray[Any, Any]
Build = Callable[[Sequence[Any]], Any]

INT32 = np.iinfo(np.int32)
TEXT = pd.StringDtype(na_value=np.nan)


def _double(values: Sequence[Any]) -> Array | None:
    if {float, int, type(None)}.issuperset(map(type, values)):
        return np.array(values, np.float64)
    return None


def _float(values: Sequence[Any]) -> Array | None:
    # No whole numbers: a large one would be rounded twice on the way through 64 bits.
    if {float, type(None)}.issuperset(map(type, values)):
        return np.array(values, np.float64).astype(np.float32)
    return None


def _long(values: Sequence[Any]) -> Array | None:
    return np.array(values, np.int64) if set(map(type, values)) == {int} else None


def _integer(values: Sequence[Any]) -> Array | None:
    if set(map(type, values)) == {int} and INT32.min <= min(values) and max(values) <= INT32.max:
        return np.array(values, np.int32)
    return None


def _boolean(values: Sequence[Any]) -> Array | None:
    return np.array(values, np.bool_) if set(map(type, values)) == {bool} else None


def _string(values: Sequence[Any]) -> Any:
    return pd.array(values, dtype=TEXT) if set(map(type, values)) == {str} else None


BUILDERS: dict[Kind, Build] = {
    Kind.DOUBLE: _double,
    Kind.FLOAT: _float,
    Kind.LONG: _long,
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: _boolean,
    Kind.STRING: _string,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to build for each column, in the signature's order."""

    names: tuple[Any, ...]
    index: pd.Index
    builders: tuple[Build, ...]

    def read(self, body: bytes) -> pd.DataFrame | None:
        """The model's table, or None when the careful path has to look."""
        try:
            columns = read_columns(orjson.loads(body), self.names)
            return None if columns is None else self._table(columns)
        except UNREADABLE:
            return None

    def _table(self, columns: list[Sequence[Any]]) -> pd.DataFrame | None:
        built = {}
        for name, build, values in zip(self.names, self.builders, columns, strict=True):
            array = build(values)
            if array is None:
                return None
            built[name] = array
        return pd.DataFrame(built, columns=self.index, copy=False)


def compile_plan(signature: Columns) -> Plan | None:
    """None for signatures whose conversions are pandas' business (dates, bytes, nameless, optional columns)."""
    if not signature.named or not all(_is_plain(column) for column in signature.columns):
        return None
    names = tuple(column.name for column in signature.columns)
    return Plan(
        names=names,
        index=pd.Index(names),
        builders=tuple(BUILDERS[column.kind] for column in signature.columns),
    )


def _is_plain(column: Column) -> bool:
    return column.required and column.kind in BUILDERS
