"""Rows made to be hard: at the thresholds of a model's trees, where the smallest rounding takes the other branch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from soloist_workloads.serving.flavors.native import Array

# Spread evenly over all of them; each is tried at five values.
MOST_THRESHOLDS = 300


def probe(model: Any, rows: Array) -> Array:
    """For each threshold, a held-out row that has it, or a neighbouring number, in the threshold's column."""
    found = list(find_thresholds(model))
    step = max(1, len(found) // MOST_THRESHOLDS)
    made = [_rows_at(rows[place % len(rows)], *at) for place, at in enumerate(found[::step])]
    return np.concatenate(made).astype(rows.dtype) if made else rows[:0]


def find_thresholds(model: Any) -> Iterator[tuple[int, float]]:
    """Column and value of every split that scikit-learn's trees make on the columns as they come.

    After a step that computes new columns, a threshold is no value of the request's any more.
    """
    for tree in _trees(model):
        inner = tree.feature >= 0
        yield from zip(tree.feature[inner].tolist(), tree.threshold[inner].tolist(), strict=True)


def has_trees(model: Any) -> bool:
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    return next(_trees(last), None) is not None


def _trees(model: Any) -> Iterator[Any]:
    members = getattr(model, "estimators_", None)
    for one in np.ravel(np.array(members, dtype=object)) if members is not None else (model,):
        tree = getattr(one, "tree_", None)
        if tree is not None:
            yield tree


def _rows_at(row: Array, column: int, value: float) -> Array:
    single = np.float32(value)
    values = (
        value,
        np.nextafter(value, np.inf),
        np.nextafter(value, -np.inf),
        float(np.nextafter(single, np.float32(np.inf))),
        float(np.nextafter(single, np.float32(-np.inf))),
    )
    made = np.repeat(row[None, :].astype(np.float64), len(values), axis=0)
    made[:, column] = values
    return made
