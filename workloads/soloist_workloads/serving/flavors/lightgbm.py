"""LightGBM: the booster from its text file, the scikit-learn classes from skops or a pickle."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from soloist_workloads.serving.flavors.native import (
    Array,
    Deserialize,
    Native,
    Predict,
    matrix_type,
    names_match,
)
from soloist_workloads.serving.flavors.sklearn import NAMES_DIFFER
from soloist_workloads.serving.signature import ModelCard

BOOSTER = "lightgbm.basic.Booster"


def load(card: ModelCard, deserialize: Deserialize) -> Native:
    flavor = card.flavors["lightgbm"]
    file = card.folder / flavor["data"]
    if flavor.get("model_class", BOOSTER) != BOOSTER:
        model = deserialize(file, flavor)
        for message in NAMES_DIFFER:
            warnings.filterwarnings("ignore", message=message)
        return _native(card, model.predict, getattr(model, "booster_", None))
    import lightgbm

    booster = lightgbm.Booster(model_file=str(file))
    return _native(card, booster.predict, booster)


def _native(card: ModelCard, predict: Predict, booster: Any) -> Native:
    """Rows are apart: a booster walks each of them down its trees by itself, whole numbers and all."""
    dtype = matrix_type(card)
    if dtype is None or booster is None or booster.pandas_categorical:
        return Native("lightgbm", predict)
    if not names_match(card, _spell(booster, card)):
        return Native("lightgbm", predict)
    # A table of whole numbers becomes float64 here; a matrix of them would become float32.
    wanted = np.result_type(dtype, np.float32)

    def predict_matrix(rows: Array) -> Any:
        return predict(rows.astype(wanted, copy=False))

    return Native("lightgbm", predict, predict_matrix, rows_are_apart=not _is_linear(booster))


def _spell(booster: Any, card: ModelCard) -> list[str] | None:
    """LightGBM doesn't hold names against each other, and it writes blanks as underscores: the number is enough."""
    wanted = booster.num_feature()
    columns = getattr(card.inputs, "columns", ())
    return None if len(columns) == wanted else booster.feature_name()


def _is_linear(booster: Any) -> bool:
    return "linear_tree: 1" in booster.model_to_string(num_iteration=1)
