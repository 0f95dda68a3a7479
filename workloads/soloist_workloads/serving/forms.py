"""The four forms of an `/invocations` request in JSON, each as the columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SPLIT, RECORDS = "dataframe_split", "dataframe_records"
INSTANCES, INPUTS = "instances", "inputs"

# What reading an unexpected shape of JSON raises. Here it means: the careful path shall look.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, OverflowError)

Column = Sequence[Any]


def read_columns(request: Any, names: tuple[Any, ...]) -> list[Column] | None:
    """The values of each of these columns, all of one length above zero.

    Anything unusual is None or one of `UNREADABLE`, a missing column for instance.
    """
    if not isinstance(request, dict) or len(request) != 1:
        return None
    ((form, given),) = request.items()
    if form == SPLIT:
        return _columns_of_split(given, names)
    if form == INPUTS and isinstance(given, dict):
        return _columns_of_object(given, names)
    if form in (RECORDS, INSTANCES, INPUTS):
        if not given or any(len(row) < len(names) for row in given):
            return None
        return [[row[name] for row in given] for name in names]
    return None


def _columns_of_split(given: Any, names: tuple[Any, ...]) -> list[Column] | None:
    rows, spelled = given["data"], given["columns"]
    if len(given) != 2 or not rows or not isinstance(spelled, list):
        return None  # letters of a text aren't names
    if len(set(spelled)) != len(spelled):
        return None
    if any(len(row) != len(spelled) for row in rows):
        return None
    columns = dict(zip(spelled, zip(*rows, strict=True), strict=True))
    return [columns[name] for name in names]


def _columns_of_object(given: dict[str, Any], names: tuple[Any, ...]) -> list[Column] | None:
    columns = [given[name] for name in names]
    if not all(isinstance(values, list) for values in given.values()):
        return None
    lengths = {len(values) for values in given.values()}
    return columns if len(lengths) == 1 and lengths != {0} else None
