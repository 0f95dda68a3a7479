"""The two table forms of `/invocations` as DataFrames, before anyone looks at the signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from soloist_workloads.serving.forms import RECORDS, SPLIT
from soloist_workloads.serving.problem import REFUSALS, RequestProblem, json_type, show


def table_from_split(request: dict[str, Any]) -> pd.DataFrame:
    given = request[SPLIT]
    if (
        not isinstance(given, dict)
        or "data" not in given
        or given.keys() - {"columns", "data", "index"}
    ):
        raise RequestProblem(
            'dataframe_split must be an object with "columns" and "data" (and at most "index"); it is '
            f"{show(sorted(given)) if isinstance(given, dict) else json_type(given)}."
        )
    return _build(
        SPLIT,
        lambda: pd.DataFrame(
            index=given.get("index"), columns=given.get("columns"), data=given["data"]
        ),
    )


def table_from_records(request: dict[str, Any]) -> pd.DataFrame:
    given = request[RECORDS]
    if not isinstance(given, list):
        raise RequestProblem(
            f"dataframe_records must be an array of objects, one per row; it is {json_type(given)}."
        )
    return _build(RECORDS, lambda: pd.DataFrame(data=given))


def _build(form: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    try:
        return make()
    except REFUSALS as error:
        raise RequestProblem(f"{form} is not a table: {error}.") from None
