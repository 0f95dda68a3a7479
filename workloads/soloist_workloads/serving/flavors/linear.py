"""scikit-learn's linear models: what is left of their `predict` without its checks.

From scikit-learn 1.9: `LinearClassifierMixin.predict` and `LinearModel.predict` in `linear_model/_base.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from soloist_workloads.serving.flavors.native import Array, Conclude


def concluding(model: Any, method: str) -> Conclude | None:
    """From a matrix to the answer, for a fitted linear model whose coefficients lie in memory as an array."""
    kind = type(model)
    if method != "predict" or not kind.__module__.startswith("sklearn.") or not _has_weights(model):
        return None
    # Late: for any other model it would be imported for nothing.
    from sklearn.linear_model import ElasticNet, Ridge, _base

    # By the methods themselves, not by names: a class that predicts in a way of its own is not among them, whatever it inherits.
    classifier, regressor = _base.LinearClassifierMixin, _base.LinearModel
    predicts, scores = (getattr(kind, name, None) for name in ("predict", "decision_function"))
    if predicts is classifier.predict and scores is classifier.decision_function:
        return _where_finite(_classify(model))
    # These only pass on what `LinearModel` says, ElasticNet's sum (and Lasso's) all but that of a sparse table.
    passed_on = (regressor.predict, _base.MultiOutputLinearModel.predict, Ridge.predict)
    sums = [getattr(one, "_decision_function", None) for one in (kind, regressor, ElasticNet)]
    return _where_finite(_score(model)) if predicts in passed_on and sums[0] in sums[1:] else None


def _has_weights(model: Any) -> bool:
    return isinstance(getattr(model, "coef_", None), np.ndarray) and hasattr(model, "intercept_")


def _where_finite(conclude: Conclude) -> Conclude:
    """What is missing or infinite stays so to the end, unless a step before knew what to put there."""

    def concluded(rows: Array) -> Any:
        return conclude(rows) if rows.dtype.kind == "i" or np.isfinite(rows).all() else None

    return concluded


def _score(model: Any) -> Conclude:
    weights = model.coef_.T if model.coef_.ndim > 1 else model.coef_
    intercept = model.intercept_
    return lambda rows: rows @ weights + intercept


def _classify(model: Any) -> Conclude:
    score, classes = _score(model), model.classes_

    def classify(rows: Array) -> Any:
        scores = score(rows)
        if scores.ndim > 1 and scores.shape[1] == 1:
            scores = scores.reshape(-1)
        chosen = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return classes.take(chosen, axis=0)

    return classify
