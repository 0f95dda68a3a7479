"""Whether a prediction is one at all: every number finite, and what the model's author promised of its output.

A model can answer 200 and say nothing: NaN for a column it never saw, two columns where three were promised. Such
answers are counted, not changed: clients get what the model gave, and a rollout's gate judges the share.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from soloist_workloads.serving.answer import Records
from soloist_workloads.serving.numpy_types import NUMPY_TYPES
from soloist_workloads.serving.signature import Columns, Signature, Tensor

if TYPE_CHECKING:
    import pandas as pd

Predict = Callable[..., Any]
Array = np.ndarray[Any, Any]
TEXTUAL = "OSU"
# Of one thread while it works on one request; what stands between it and the model knows nothing of requests.
_IS_WATCHED: ContextVar[bool] = ContextVar("is_watched", default=True)


class Watch:
    """Looks at what a model gives, on the way out. Looks at nothing before `tell` is set: a warm-up is no answer."""

    def __init__(self, outputs: Signature) -> None:
        self._outputs = outputs
        self.tell: Callable[[], object] | None = None

    def over(self, predict: Predict) -> Predict:
        @wraps(predict)  # mlflow asks a function's signature whether it takes params
        def watched(*given: Any, **named: Any) -> Any:
            predictions = predict(*given, **named)
            self.see(predictions)
            return predictions

        return watched

    def see(self, predictions: Any) -> None:
        """What one request is answered."""
        if self.tell and _IS_WATCHED.get() and not self._is_valid(predictions):
            self.tell()

    def count(self) -> None:
        """An invalid answer that was seen elsewhere."""
        if self.tell and _IS_WATCHED.get():
            self.tell()

    def _is_valid(self, predictions: Any) -> bool:
        """What can't be looked at is no fault of the version: whether it can be answered, the answer itself will say."""
        try:
            return is_finite(predictions) and fits(predictions, self._outputs)
        except (TypeError, ValueError, RecursionError):
            return True


@contextmanager
def unwatched() -> Iterator[None]:
    """A candidate asks again what a client was answered, and the gateway counted once."""
    token = _IS_WATCHED.set(False)
    try:
        yield
    finally:
        _IS_WATCHED.reset(token)


def is_finite(predictions: Any) -> bool:
    """No NaN and no infinity in it, however deep. None is neither: a model may well know no answer."""
    match predictions:
        case np.ndarray():
            return _is_array_finite(predictions)
        case Records():
            return all(map(_is_array_finite, predictions.columns.values()))
        case dict():
            return all(is_finite(one) for one in predictions.values())
        case list() | tuple():
            return all(is_finite(one) for one in predictions)
        case float() | np.floating():
            return math.isfinite(predictions)
        case _ if _is_table(predictions):
            return all(_is_series_finite(column) for _, column in predictions.items())
        case _:
            return not _is_series(predictions) or _is_series_finite(predictions)


# Most models of numbers never make a table. Where pandas isn't imported, nothing can be one of its own.
def _is_table(predictions: Any) -> TypeGuard[pd.DataFrame]:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(predictions, pandas.DataFrame)


def _is_series(predictions: Any) -> TypeGuard[pd.Series]:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(predictions, pandas.Series)


def _is_array_finite(array: Array) -> bool:
    if array.dtype.kind in "fc":
        return bool(np.isfinite(array).all())
    return array.dtype.kind != "O" or all(is_finite(one) for one in array.ravel().tolist())


def _is_series_finite(series: pd.Series) -> bool:
    if isinstance(series.dtype, np.dtype):
        return _is_array_finite(series.to_numpy())
    from pandas.api.types import is_float_dtype

    # pandas' own floats hold their missing values beside the numbers.
    is_float = is_float_dtype(series.dtype)
    return not is_float or _is_array_finite(series.to_numpy("float64", na_value=math.nan))


def fits(predictions: Any, promised: Signature) -> bool:
    """Whether it has the promised columns, shape and types. What no rule is known for fits, as does a whole number where
    a float was promised."""
    match promised, predictions:
        case Tensor(), np.ndarray():
            return _fits_shape(predictions.shape, promised.shape) and _is_like(
                predictions.dtype, np.dtype(promised.dtype)
            )
        case Columns(), np.ndarray():
            return _fits_rows(predictions, promised)
        case Columns(), Records():
            return _fits_columns(predictions.columns, promised)
        case Columns(), _ if _is_table(predictions):
            return _fits_columns(_columns_of(predictions, promised), promised)
        case Columns(), _ if _is_series(predictions):
            return _fits_columns({promised.columns[0].name: predictions}, promised)
        case _:
            return True


def _columns_of(table: pd.DataFrame, promised: Columns) -> dict[Any, Any]:
    """Where no names were promised, two columns may share one."""
    items = table.items()
    return dict(items) if promised.named else dict(enumerate(series for _, series in items))


def _fits_shape(shape: tuple[int, ...], promised: tuple[int, ...]) -> bool:
    return len(shape) == len(promised) and all(
        wanted in (-1, length) for length, wanted in zip(shape, promised, strict=True)
    )


def _fits_columns(given: Mapping[Any, Any], promised: Columns) -> bool:
    """Each column has a `dtype`, whatever it is a column of."""
    if promised.named:
        has_all = all(column.name in given for column in promised.required)
        known = [column for column in promised.columns if column.name in given]
        pairs = [(column, given[column.name]) for column in known]
    else:
        has_all = len(given) == len(promised.columns)
        pairs = list(zip(promised.columns, given.values(), strict=False))
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
    if not isinstance(given, np.dtype):  # pandas' own: its strings are told apart, the rest passes
        is_text = getattr(given, "name", "") in ("string", "str")
        return not is_text or promised.kind in TEXTUAL
    if given.kind == "O" or promised.kind in TEXTUAL:
        return given.kind in TEXTUAL
    if promised.kind in "fc":
        return given.kind in "fciu"
    return given.kind in "iu" if promised.kind in "iu" else given.kind == promised.kind
