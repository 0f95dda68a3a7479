"""A model that gives one answer to every row, whatever comes: the lowest rung, for when no model answers.

Of the champion only the MLmodel file is read, for its signature: nothing is loaded, so nothing can fail that made the
champion fail. A request that the champion would refuse is refused here as well, in the same words.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from soloist_workloads.serving.enforce import ModelInput
from soloist_workloads.serving.numpy_types import NUMPY_TYPES
from soloist_workloads.serving.problem import ModelProblem, show
from soloist_workloads.serving.scorer import NativeScorer
from soloist_workloads.serving.signature import Beyond, Columns, Kind, ModelCard, Nothing, Tensor

Value = str | int | float | bool
Array = np.ndarray[Any, Any]
FLAVOR = "constant"
# What a value may be where a model promises such an output; a whole number fits where a float was promised.
ACCEPTED: dict[str, tuple[type, ...]] = {
    "b": (bool,),
    "i": (int,),
    "u": (int,),
    "f": (int, float),
    "U": (str,),
    "O": (str,),
}
REMEDY = "Write one that does into baseline.constant, or make a version the baseline"


def load_constant(card: ModelCard, text: str) -> NativeScorer:
    """`text` is the value as JSON; raises `ModelProblem` where it can't stand for the model's answers."""
    predict = _predictor(json.loads(text), card.outputs)
    # What only mlflow could check is taken as it comes.
    inputs = Nothing() if isinstance(card.inputs, Beyond) else card.inputs
    return NativeScorer(FLAVOR, predict, inputs, card.outputs)


def _predictor(
    value: Value, outputs: Columns | Tensor | Nothing | Beyond
) -> Callable[[ModelInput], Any]:
    match outputs:
        case Nothing():
            return lambda given: np.full(_rows(given), value)
        case Beyond():
            raise _unfit(value, "its signature says is nested")
        case Tensor(dtype, shape):
            if shape[:1] != (-1,) or any(length != 1 for length in shape[1:]):
                raise _unfit(value, f"is an array of shape {shape}, not one value for each row")
            cell = _cell(value, np.dtype(dtype))
            return lambda given: np.full((_rows(given), *shape[1:]), cell)
        case Columns(columns, named):
            if len(columns) != 1:
                raise _unfit(value, f"has {len(columns)} columns, not one value for each row")
            column = columns[0]
            cell = _cell(value, _column_type(column.kind))
            if not named:
                return lambda given: np.full(_rows(given), cell)
            return lambda given: pd.DataFrame({column.name: np.full(_rows(given), cell)})


def _column_type(kind: Kind) -> np.dtype[Any]:
    return np.dtype(object) if kind is Kind.STRING else NUMPY_TYPES[kind]


def _cell(value: Value, dtype: np.dtype[Any]) -> Array:
    """The value as the model's own type, if nothing of it is lost."""
    # JSON writes a whole number of a metric, which is always a float, as 3.0.
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    given = whole if dtype.kind in "iu" else value
    is_like = isinstance(given, ACCEPTED.get(dtype.kind, ()))
    if not is_like or (isinstance(given, bool) and dtype.kind != "b"):
        raise _unfit(value, f"is of type {_name(dtype)}")
    # Not by itself: `U` would be cut to the length that the signature happens to say.
    wanted = np.dtype(object) if dtype.kind in "UO" else dtype
    try:
        with np.errstate(over="ignore"):  # too large a number becomes infinite, which is looked for
            cell = np.asarray(given, wanted)
    except OverflowError:
        raise _unfit(value, f"is of type {_name(dtype)}") from None
    if wanted.kind == "f" and not np.isfinite(cell):
        raise _unfit(value, f"is of type {_name(dtype)}")
    return cell


def _name(dtype: np.dtype[Any]) -> str:
    return "text" if dtype.kind in "UO" else dtype.name


def _unfit(value: Value, why: str) -> ModelProblem:
    return ModelProblem(f"{show(value)} can't stand for the model's answer, which {why}. {REMEDY}.")


def _rows(given: ModelInput) -> int:
    """A single number, where the signature asks for no table, is one row."""
    return len(given) if np.ndim(given) else 1
