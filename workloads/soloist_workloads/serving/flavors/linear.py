"""scikit-learn's linear models, alone or behind a StandardScaler, asked for their arithmetic only.

Nine tenths of their `predict` look at what they were given: which library the array is of, what type, whether it is finite. A matrix
was read by its signature, so all but the last is known. What isn't plainly a matrix of finite numbers goes to `predict` itself,
for its own words. The arithmetic is the estimators', on the same memory, so the answer is the same to the last bit
(scikit-learn 1.9: `LinearClassifierMixin.predict` and `LinearModel.predict` in `linear_model/_base.py`,
`StandardScaler.transform` in `preprocessing/_data.py`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from soloist_workloads.serving.flavors.native import Array, Predict

PIPELINE = "sklearn.pipeline.Pipeline"
SCALER = "sklearn.preprocessing._data.StandardScaler"


def straight(model: Any) -> Predict | None:
    """`model.predict` for a matrix, without its checks; None where the model predicts in any other way."""
    *before, last = _steps(model)
    conclude = _concluding(last)
    if conclude is None or len(before) > 1 or not all(map(_is_scaler, before)):
        return None
    width = last.n_features_in_
    if not before:
        return lambda rows: conclude(rows) if _is_plain(rows, width) else model.predict(rows)
    (scaler,) = before

    def predict(rows: Any) -> Any:
        if _is_plain(rows, width) and rows.dtype == np.float64:  # another type is converted first
            scaled = _scale(rows, scaler)
            if _is_finite(scaled):
                return conclude(scaled)
        return model.predict(rows)

    return predict


def _steps(model: Any) -> list[Any]:
    """Of scikit-learn's own pipeline; any other model is its one step."""
    return [step for _, step in model.steps] if _is(model, PIPELINE) else [model]


def _is_scaler(step: Any) -> bool:
    return _is(step, SCALER)


def _is(model: Any, name: str) -> bool:
    """By name, so that nothing is imported to find out."""
    return f"{type(model).__module__}.{type(model).__qualname__}" == name


def _scale(rows: Array, scaler: Any) -> Array:
    scaled = rows - scaler.mean_ if scaler.with_mean else rows
    return scaled / scaler.scale_ if scaler.with_std else scaled


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


def _is_plain(rows: Any, width: int) -> bool:
    return (
        isinstance(rows, np.ndarray)
        and rows.ndim == 2
        and rows.shape[1] == width
        and len(rows) > 0
        and rows.dtype.kind in "if"
        and _is_finite(rows)
    )


def _is_finite(rows: Array) -> bool:
    return rows.dtype.kind == "i" or bool(np.isfinite(rows).all())
