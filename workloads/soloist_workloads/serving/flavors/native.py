"""What a flavor hands over: how to predict, and how much more is allowed than one table at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from soloist_workloads.serving.signature import Columns, Kind, ModelCard

Array = np.ndarray[Any, Any]
Deserialize = Callable[[Path, Mapping[str, Any]], Any]
Predict = Callable[[Any], Any]
# From a matrix that was looked at to the answer; None where that is left to the library's own `predict`.
Conclude = Callable[[Array], Any]

# No booleans: a table of them turns into objects on the way to a matrix in some libraries, into bytes in others.
NUMERIC: dict[Kind, np.dtype[Any]] = {
    Kind.INTEGER: np.dtype("int32"),
    Kind.LONG: np.dtype("int64"),
    Kind.FLOAT: np.dtype("float32"),
    Kind.DOUBLE: np.dtype("float64"),
}


@dataclass(frozen=True, slots=True)
class Native:
    """A loaded model.

    `predict` takes what mlflow would give the model: a DataFrame or an array. `predict_matrix` takes the same values
    as a plain matrix and gives the same answer, to the last bit; None where that isn't certain. `rows_are_apart` says
    that a row's answer doesn't depend, again to the last bit, on the rows beside it. It doesn't hold for anything that
    multiplies matrices: BLAS sums in another order when there are more rows.
    """

    flavor: str
    predict: Predict
    predict_matrix: Predict | None = None
    rows_are_apart: bool = False
    optimized: str = ""
    """The form that answers in the model's place, if one does."""


def matrix_type(card: ModelCard) -> np.dtype[Any] | None:
    """The one number type of all the signature's columns; None when a table can't be a matrix without converting."""
    signature = card.inputs
    if not isinstance(signature, Columns) or not signature.named:
        return None
    kinds = {column.kind if column.required else None for column in signature.columns}
    kind = kinds.pop()
    return None if kinds or kind is None else NUMERIC.get(kind)


def names_match(card: ModelCard, trained_on: Any) -> bool:
    """A table's column names are held against the model's by its library; a matrix's aren't, so that is done here."""
    if trained_on is None or not isinstance(card.inputs, Columns):
        return True
    return [column.name for column in card.inputs.columns] == list(trained_on)
