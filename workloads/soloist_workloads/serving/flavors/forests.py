"""scikit-learn's trees and forests: what is left of their `predict` and `predict_proba` without its checks and its jobs.

A forest asks each of its trees through joblib, and each tree looks at the table anew: 40 µs for a walk of 3. Here the walks are all
that is left. They are added up tree by tree, as joblib does where it has one job, so the sum is the same to the last bit. With more
jobs scikit-learn adds them up in any order; this is one of them.

From scikit-learn 1.9: `ForestClassifier`, `ForestRegressor` and `_accumulate_prediction` in `ensemble/_forest.py`,
`DecisionTreeClassifier` and `DecisionTreeRegressor` in `tree/_classes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from soloist_workloads.serving.flavors.native import Array, Conclude

# From a table of 32-bit numbers to each row's values: of a regressor one, of a classifier the share of each class.
Walk = Callable[[Array], Array]


def concluding(model: Any, method: str) -> Conclude | None:
    """From a matrix to the answer, for a fitted tree or forest with one target."""
    kind = type(model)
    if not kind.__module__.startswith(("sklearn.ensemble", "sklearn.tree")):
        return None
    if getattr(model, "n_outputs_", 0) != 1:
        return None
    from sklearn import ensemble, tree

    # These classes and none that inherits from them: it may predict in a way of its own.
    if kind in (tree.DecisionTreeClassifier, tree.ExtraTreeClassifier):
        return _classify(_walk(model), model.classes_, method)
    if kind in (tree.DecisionTreeRegressor, tree.ExtraTreeRegressor):
        return _score(_walk(model), method)
    if kind in (ensemble.RandomForestClassifier, ensemble.ExtraTreesClassifier):
        return _classify(_mean(model.estimators_), model.classes_, method)
    if kind in (ensemble.RandomForestRegressor, ensemble.ExtraTreesRegressor):
        return _score(_mean(model.estimators_), method)
    return None


def _classify(walk: Walk, classes: Array, method: str) -> Conclude | None:
    if method == "predict_proba":
        return _where_finite(walk)
    if method == "predict":
        return _where_finite(lambda rows: classes.take(np.argmax(walk(rows), axis=1), axis=0))
    return None


def _score(walk: Walk, method: str) -> Conclude | None:
    return _where_finite(lambda rows: walk(rows)[:, 0]) if method == "predict" else None


def _walk(tree: Any) -> Walk:
    walk: Walk = tree.tree_.predict
    return walk


def _mean(trees: Sequence[Any]) -> Walk:
    walks = [_walk(tree) for tree in trees]

    def mean(rows: Array) -> Array:
        # scikit-learn's sum begins with zero: a leaf of -0.0 becomes 0.0.
        total = walks[0](rows) + 0.0
        for walk in walks[1:]:
            total += walk(rows)
        total /= len(walks)
        return total

    return mean


def _where_finite(conclude: Conclude) -> Conclude:
    """Of 32-bit numbers, as trees compare them; some trees know what to do with those that are missing, and say so themselves."""

    def concluded(rows: Array) -> Any:
        with np.errstate(over="ignore"):
            narrow = rows.astype(np.float32)
        return conclude(narrow) if np.isfinite(narrow).all() else None

    return concluded
