"""Predictions as MLflow's JSON: `{"predictions": …}`, equal to what `mlflow models serve` answers."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson


@dataclass(frozen=True, slots=True)
class Records:
    """What a DataFrame of these columns says, for those who don't need one."""

    columns: Mapping[str, np.ndarray[Any, Any]]


def encode_predictions(predictions: Any) -> bytes:
    """Fast where every number is finite; JSON has no NaN, but MLflow's answers do, and its clients read them."""
    if isinstance(predictions, np.ndarray) and _is_finite(predictions):
        return b'{"predictions":' + orjson.dumps(predictions.tolist()) + b"}"
    if isinstance(predictions, Records):
        records = _rows(predictions)
        if all(map(_is_finite, predictions.columns.values())):
            return b'{"predictions":' + orjson.dumps(records) + b"}"
        return json.dumps({"predictions": records}).encode()
    return json.dumps({"predictions": _jsonable(predictions)}, default=_encode).encode()


def _rows(records: Records) -> list[dict[str, Any]]:
    names = tuple(records.columns)
    columns = (column.tolist() for column in records.columns.values())
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _is_finite(array: np.ndarray[Any, Any]) -> bool:
    return array.dtype.kind in "iub" or (array.dtype.kind == "f" and bool(np.isfinite(array).all()))


def _jsonable(predictions: Any) -> Any:
    if isinstance(predictions, np.ndarray):
        return predictions.tolist()
    if type(predictions).__module__.partition(".")[0] != "pandas":  # which may not be imported
        return predictions
    import pandas as pd

    match predictions:
        case pd.DataFrame():
            return predictions.to_dict(orient="records")
        case pd.Series():
            return pd.DataFrame(predictions).to_dict(orient="records")
        case _:
            return predictions


def _encode(value: Any) -> Any:
    match value:
        case np.ndarray():
            return [_encode(item) for item in value] if value.dtype == object else value.tolist()
        case np.datetime64():
            return np.datetime_as_string(value)
        case np.generic():
            return value.item()
        case bytes() | bytearray():
            return base64.encodebytes(value).decode("ascii")
        case dt.date() | dt.time():
            return value.isoformat()
        case str() | int() | float() | bool() | None | list() | dict():
            return value
        case _:
            raise TypeError(f"The model returned {type(value).__name__}, which has no JSON form.")
