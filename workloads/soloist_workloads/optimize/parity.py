"""Whether two forms of a model answer alike."""

from __future__ import annotations

import math

import numpy as np

from soloist_workloads.serving.flavors.native import Array

# Graphs of trees add single precision up: with 500 trees that is off by some 1e-6 of the sum.
TOLERANCE = 1e-5


def differ(expected: Array, given: Array) -> float:
    """The largest |given - expected| / max(1, |expected|); infinite where anything but a number differs.

    Near zero it is an absolute difference, as suits probabilities, and a relative one for large amounts.
    """
    if expected.shape != given.shape or expected.dtype != given.dtype:
        return math.inf
    if expected.dtype.kind != "f":
        return 0.0 if np.array_equal(expected, given) else math.inf
    if not (np.isfinite(expected).all() and np.isfinite(given).all()):
        return 0.0 if np.array_equal(expected, given, equal_nan=True) else math.inf
    wide, other = expected.astype(np.float64), given.astype(np.float64)
    return float(np.max(np.abs(other - wide) / np.maximum(1.0, np.abs(wide)), initial=0.0))


def count_unlike(expected: Array, given: Array) -> int:
    """Rows whose answers differ by more than is tolerated."""
    return sum(
        differ(one[None], other[None]) > TOLERANCE
        for one, other in zip(expected, given, strict=True)
    )
