"""A table, its targets, and what a model asked for its arithmetic only shares with the model itself: every bit, every word."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest

CHANCE = np.random.default_rng(7)
TABLE = CHANCE.normal(size=(120, 5))
HOLES = np.where(CHANCE.random(TABLE.shape) < 0.2, np.nan, TABLE)
TWO = np.where(TABLE[:, 0] > 0, "yes", "no")
THREE = (TABLE[:, 0] > 0).astype(int) + (TABLE[:, 1] > 1)
AMOUNTS = TABLE @ np.arange(5.0) + CHANCE.normal(size=120)

SHAPES = [
    pytest.param(lambda rows: rows, id="rows"),
    pytest.param(np.asfortranarray, id="columns, as requests are"),
    pytest.param(lambda rows: rows[:1], id="one row"),
    pytest.param(lambda rows: rows.astype(np.float32), id="float"),
    pytest.param(lambda rows: (rows * 100).astype(np.int64), id="long"),
    pytest.param(lambda rows: (rows * 100).astype(np.int32), id="integer"),
]
REFUSED = [
    pytest.param([[1.0, 2.0, np.inf, 4.0, 5.0]], id="infinite"),
    pytest.param([[1.0, 2.0]], id="too few columns"),
    pytest.param(np.empty((0, 5)), id="no rows"),
    pytest.param([1.0, 2.0, 3.0, 4.0, 5.0], id="no table"),
]
HOLED = [
    pytest.param(np.asfortranarray(HOLES), id="columns, as requests are"),
    pytest.param(HOLES[:1], id="one row"),
    pytest.param(np.full((2, 5), np.nan), id="nothing but holes"),
]


def assert_same_bits(mine: Any, theirs: Any, rows: Any) -> None:
    """Of the two methods' answers to the same rows, each asked with memory of its own."""
    answer, expected = mine(rows.copy(order="K")), theirs(rows.copy(order="K"))
    assert (answer.dtype, answer.shape) == (expected.dtype, expected.shape)
    assert answer.tobytes() == expected.tobytes()


def assert_same_words(mine: Any, theirs: Any, rows: Any) -> None:
    """Of the two methods' refusals."""
    assert _refusal(mine, np.array(rows)) == _refusal(theirs, np.array(rows))


def _refusal(ask: Any, rows: Any) -> str:
    quiet: AbstractContextManager[None] = np.errstate(over="ignore")
    with pytest.raises(ValueError) as refused, quiet:  # noqa: PT011 - what it says is compared
        ask(rows)
    return str(refused.value)
