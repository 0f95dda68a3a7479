"""XGBoost: a booster or one of its scikit-learn classes, in XGBoost's own file format."""

from __future__ import annotations

import importlib
from typing import Any

from soloist_workloads.serving.flavors.native import (
    Array,
    Deserialize,
    Native,
    matrix_type,
    names_match,
)
from soloist_workloads.serving.problem import ModelProblem
from soloist_workloads.serving.signature import ModelCard

BOOSTER = "xgboost.core.Booster"


def load(card: ModelCard, deserialize: Deserialize) -> Native:  # noqa: ARG001 - all flavors are called alike
    import xgboost

    flavor = card.flavors["xgboost"]
    model = _find_class(flavor.get("model_class", BOOSTER))()
    model.load_model(str(card.folder / flavor["data"]))
    if not isinstance(model, xgboost.Booster):
        booster = model.get_booster()
        # A linear booster is asked through another door, which wants the columns' names from a matrix as well.
        is_trees = _is_trees(booster)
        matrix = model.predict if is_trees and _takes_matrix(card, booster) else None
        return Native("xgboost", model.predict, matrix, rows_are_apart=is_trees)

    def predict(given: Any) -> Any:
        return model.predict(xgboost.DMatrix(given))

    def predict_matrix(rows: Array) -> Any:
        names, types = model.feature_names, model.feature_types
        return model.predict(xgboost.DMatrix(rows, feature_names=names, feature_types=types))

    matrix = predict_matrix if _takes_matrix(card, model) else None
    return Native("xgboost", predict, matrix, rows_are_apart=_is_trees(model))


def _find_class(path: str) -> Any:
    """One of XGBoost's own classes: a model file names it, and must not make us import something else."""
    module, _, name = path.rpartition(".")
    if module.partition(".")[0] != "xgboost":
        raise ModelProblem(f"The model says that its class is {path}, which isn't XGBoost's.")
    return getattr(importlib.import_module(module), name)


def _takes_matrix(card: ModelCard, booster: Any) -> bool:
    categorical = "c" in (booster.feature_types or ())
    return (
        matrix_type(card) is not None
        and not categorical
        and names_match(card, booster.feature_names)
    )


def _is_trees(booster: Any) -> bool:
    """Trees walk each row down by itself; a linear booster adds products up."""
    return '"name":"gblinear"' not in booster.save_config().replace(" ", "")
