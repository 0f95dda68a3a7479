"""Whether a prediction is one at all: every number finite, and what the model's author promised of its output.

A model can answer 200 and say nothing: NaN for a column it never saw, two columns where three were promised. Such
answers are counted, not changed: clients get what the model gave, and a rollout's gate judges the share.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from soloist_workloads.serving.enforce import NUMPY_TYPES
from soloist_workloads.serving.signature import Columns, Signature, Tensor

Predict = Callable[..., Any]
Answer = TypeVar("Answer")
Array = np.ndarray[Any, Any]
TEXTUAL = "OSU"
# Of one thread while it works on one request; what stands between it and the model knows nothing of requests.
_IS_REPEATED: ContextVar[bool] = ContextVar("is_repeated", default=False)


class Watch:
    """Looks at what a model gives, on the way out. Looks at nothing before `tell` is set: a warm-up is no answer."""

    def __init__(self, outputs: Signature) -> None:
        self._outputs = outputs
        self.tell: Callable[[], object] | None = None

    def over(self, predict: Predict) -> Predict:
        @wraps(predict)  # mlflow looks at the signature to see whether a model takes parameters
        def watched(*given: Any, **named: Any) -> Any:
            predictions = predict(*given, **named)
            if self.tell and not _IS_REPEATED.get() and not self._is_valid(predictions):
                self.tell()
            return predictions

        return watched

    def _is_valid(self, predictions: Any) -> bool:
        """What can't be looked at is no fault of the version: whether it can be answered, the answer itself will say."""
        try:
            return is_finite(predictions) and fits(predictions, self._outputs)
        except (TypeError, ValueError, RecursionError):
            return True


def repeated(work: Callable[[], Answer]) -> Callable[[], Answer]:
    """The same work, unwatched: a candidate asks again what a client was answered, and the gateway counted once."""

    def quietly() -> Answer:
        token = _IS_REPEATED.set(True)
        try:
            return work()
        finally:
            _IS_REPEATED.reset(token)

    return quietly


def is_finite(predictions: Any) -> bool:
    """No NaN and no infinity in it, however deep. None is neither: a model may well know no answer."""
    match predictions:
        case np.ndarray():
            return _is_array_finite(predictions)
        case pd.DataFrame():
            return all(_is_series_finite(column) for _, column in predictions.items())
        case pd.Series():
            return _is_series_finite(predictions)
        case dict():
            return all(is_finite(one) for one in predictions.values())
        case list() | tuple():
            return all(is_finite(one) for one in predictions)
        case float() | np.floating():
            return math.isfinite(predictions)
        case _:
            return True


def _is_array_finite(array: Array) -> bool:
    if array.dtype.kind in "fc":
        return bool(np.isfinite(array).all())
    return array.dtype.kind != "O" or all(is_finite(one) for one in array.ravel().tolist())


def _is_series_finite(series: pd.Series) -> bool:
    if isinstance(series.dtype, np.dtype):
        return _is_array_finite(series.to_numpy())
    # pandas' own floats hold their missing values beside the numbers.
    is_float = pd.api.types.is_float_dtype(series.dtype)
    return not is_float or _is_array_finite(series.to_numpy("float64", na_value=math.nan))


def fits(predictions: Any, promised: Signature) -> bool:
    """Whether it has the promised columns, shape and types. What no rule is known for fits, as does a whole number where
    a float was promised."""
    match promised, predictions:
        case Tensor(), np.ndarray():
            return _fits_shape(predictions.shape, promised.shape) and _is_like(
                predictions.dtype, np.dtype(promised.dtype)
            )
        case Columns(), pd.DataFrame():
            return _fits_table(predictions, promised)
        case Columns(), pd.Series():
            return _fits_table(predictions.to_frame(promised.columns[0].name), promised)
        case Columns(), np.ndarray():
            return _fits_rows(predictions, promised)
        case _:
            return True


def _fits_shape(shape: tuple[int, ...], promised: tuple[int, ...]) -> bool:
    return len(shape) == len(promised) and all(
        wanted in (-1, length) for length, wanted in zip(shape, promised, strict=True)
    )


def _fits_table(table: pd.DataFrame, promised: Columns) -> bool:
    if promised.named:
        has_all = all(column.name in table for column in promised.required)
        known = [column for column in promised.columns if column.name in table]
        pairs = [(column, table[column.name]) for column in known]
    else:
        has_all = len(table.columns) == len(promised.columns)
        given = (series for _, series in table.items())
        pairs = list(zip(promised.columns, given, strict=False))
    return has_all and all(
        _is_like(values.dtype, NUMPY_TYPES[column.kind]) for column, values in pairs
    )


def _fits_rows(rows: Array, promised: Columns) -> bool:
    width = 1 if rows.ndim == 1 else rows.shape[1] if rows.ndim == 2 else -1
    if width != len(promised.columns):
        return False
    return all(_is_like(rows.dtype, NUMPY_TYPES[column.kind]) for column in promised.columns)


def _is_like(given: Any, promised: np.dtype[Any]) -> bool:
    """Of one family: the exact width is the library's choice, and changes with its version."""
    if isinstance(given, pd.StringDtype):
        return promised.kind in TEXTUAL
    if not isinstance(given, np.dtype):
        return True
    if given.kind == "O" or promised.kind in TEXTUAL:
        return given.kind in TEXTUAL
    if promised.kind in "fc":
        return given.kind in "fciu"
    return given.kind in "iu" if promised.kind in "iu" else given.kind == promised.kind
