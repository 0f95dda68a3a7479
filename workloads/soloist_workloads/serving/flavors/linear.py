"""scikit-learn's linear models, alone or behind a SimpleImputer or a StandardScaler, asked for their arithmetic only.

Nine tenths of their `predict` look at what they were given: which library the array is of, what type, whether it is finite. A matrix
was read by its signature, so all but the last is known. What isn't plainly a matrix that ends in finite numbers goes to `predict`
itself, for its own words. The arithmetic is the estimators', on the same memory, so the answer is the same to the last bit
(scikit-learn 1.9: `LinearClassifierMixin.predict` and `LinearModel.predict` in `linear_model/_base.py`,
`StandardScaler.transform` in `preprocessing/_data.py`, `SimpleImputer.transform` in `impute/_base.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from soloist_workloads.serving.flavors.native import Array, Predict

PIPELINE = "sklearn.pipeline.Pipeline"
SCALER = "sklearn.preprocessing._data.StandardScaler"
IMPUTER = "sklearn.impute._base.SimpleImputer"


def straight(model: Any) -> Predict | None:
    """`model.predict` for a matrix, without its checks; None where the model predicts in any other way."""
    *before, last = _steps(model)
    conclude, known = _concluding(last), [_changing(step) for step in before]
    changes = [change for change in known if change is not None]
    if conclude is None or len(changes) < len(known):
        return None
    width = (before or [last])[0].n_features_in_

    def predict(rows: Any) -> Any:
        # Numbers of another type are converted by the first step, in its way.
        if _is_table(rows, width) and (not changes or rows.dtype == np.float64):
            changed = rows
            for change in changes:
                changed = change(changed)
            # What is missing or infinite stays so to the end, unless a step knows what to put there.
            if changed.dtype.kind == "i" or np.isfinite(changed).all():
                return conclude(changed)
        return model.predict(rows)

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


def _concluding(model: Any) -> Predict | None:
    """From a matrix to the answer, for a fitted linear model whose coefficients lie in memory as an array."""
    kind = type(model)
    if not kind.__module__.startswith("sklearn.") or not _has_weights(model):
        return None
    # Late: for any other model it would be imported for nothing.
    from sklearn.linear_model import ElasticNet, Ridge, _base

    # By the methods themselves, not by names: a class that predicts in a way of its own is not among them, whatever it inherits.
    classifier, regressor = _base.LinearClassifierMixin, _base.LinearModel
    predicts, scores = (getattr(kind, name, None) for name in ("predict", "decision_function"))
    if predicts is classifier.predict and scores is classifier.decision_function:
        return _classify(model)
    # These only pass on what `LinearModel` says, ElasticNet's sum (and Lasso's) all but that of a sparse table.
    passed_on = (regressor.predict, _base.MultiOutputLinearModel.predict, Ridge.predict)
    sums = [getattr(one, "_decision_function", None) for one in (kind, regressor, ElasticNet)]
    return _score(model) if predicts in passed_on and sums[0] in sums[1:] else None


def _has_weights(model: Any) -> bool:
    return isinstance(getattr(model, "coef_", None), np.ndarray) and hasattr(model, "intercept_")


def _score(model: Any) -> Predict:
    weights = model.coef_.T if model.coef_.ndim > 1 else model.coef_
    intercept = model.intercept_
    return lambda rows: rows @ weights + intercept


def _classify(model: Any) -> Predict:
    score, classes = _score(model), model.classes_

    def classify(rows: Array) -> Any:
        scores = score(rows)
        if scores.ndim > 1 and scores.shape[1] == 1:
            scores = scores.reshape(-1)
        chosen = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return classes.take(chosen, axis=0)

    return classify
