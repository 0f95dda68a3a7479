"""scikit-learn's linear models and forests, alone or behind a SimpleImputer or a StandardScaler, asked for their arithmetic only.

Nine tenths of their `predict` look at what they were given: which library the array is of, what type, whether it is finite. A matrix
was read by its signature, so all but the last is known. What isn't plainly a matrix that ends in finite numbers goes to `predict`
itself, for its own words. The arithmetic is the estimators', on the same memory, so the answer is the same to the last bit
(scikit-learn 1.9: `StandardScaler.transform` in `preprocessing/_data.py`, `SimpleImputer.transform` in `impute/_base.py`, and what
`linear` and `forests` name).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from soloist_workloads.serving.flavors import forests, linear
from soloist_workloads.serving.flavors.native import Array, Predict

PIPELINE = "sklearn.pipeline.Pipeline"
SCALER = "sklearn.preprocessing._data.StandardScaler"
IMPUTER = "sklearn.impute._base.SimpleImputer"


def straight(model: Any, method: str = "predict") -> Predict | None:
    """The model's method for a matrix, without its checks; None where the model predicts in any other way."""
    *before, last = _steps(model)
    conclude = linear.concluding(last, method) or forests.concluding(last, method)
    known = [_changing(step) for step in before]
    changes = [change for change in known if change is not None]
    if conclude is None or len(changes) < len(known):
        return None
    width = (before or [last])[0].n_features_in_
    whole = getattr(model, method)

    def predict(rows: Any) -> Any:
        # Numbers of another type are converted by the first step, in its way.
        if _is_table(rows, width) and (not changes or rows.dtype == np.float64):
            changed = rows
            for change in changes:
                changed = change(changed)
            answer = conclude(changed)
            if answer is not None:
                return answer
        return whole(rows)

    return predict


def _steps(model: Any) -> list[Any]:
    """Of scikit-learn's own pipeline; any other model is its one step."""
    return [step for _, step in model.steps] if _is(model, PIPELINE) else [model]


def _is(model: Any, name: str) -> bool:
    """By name, so that nothing is imported to find out."""
    return f"{type(model).__module__}.{type(model).__qualname__}" == name


def _is_table(rows: Any, width: int) -> bool:
    return (
        isinstance(rows, np.ndarray)
        and rows.ndim == 2
        and rows.shape[1] == width
        and len(rows) > 0
        and rows.dtype.kind in "if"
    )


def _changing(step: Any) -> Callable[[Array], Array] | None:
    """What a step does to a table of doubles, in memory laid out as it was."""
    if _is(step, SCALER):
        return lambda rows: _scale(rows, step)
    if _is(step, IMPUTER) and _fills_every_column(step):
        return lambda rows: _fill(rows, step.statistics_)
    return None


def _scale(rows: Array, scaler: Any) -> Array:
    scaled = rows - scaler.mean_ if scaler.with_mean else rows
    return scaled / scaler.scale_ if scaler.with_std else scaled


def _fills_every_column(imputer: Any) -> bool:
    """With a double, wherever NaN stands, and adds none that say where that was."""
    missing, statistics = imputer.missing_values, imputer.statistics_
    return (
        isinstance(missing, float)
        and math.isnan(missing)
        and not imputer.add_indicator
        and statistics.dtype == np.float64
        and not np.isnan(statistics).any()
    )


def _fill(rows: Array, statistics: Array) -> Array:
    filled = rows.copy(order="K")
    np.copyto(filled, statistics, where=np.isnan(rows))
    return filled
