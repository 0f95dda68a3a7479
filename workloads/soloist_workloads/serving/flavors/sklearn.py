"""scikit-learn: from skops or a pickle, straight to the estimator's own method."""

from __future__ import annotations

import warnings
from typing import Any

from soloist_workloads.serving.flavors.native import (
    Deserialize,
    Native,
    matrix_type,
    names_match,
)
from soloist_workloads.serving.flavors.straight import straight
from soloist_workloads.serving.postpone import import_sklearn
from soloist_workloads.serving.signature import ModelCard

# Estimators of these modules turn a table of one number type into a matrix before they do anything else. Missing here
# are those that look at the columns' names or types (ColumnTransformer, FunctionTransformer, encoders), and whatever
# isn't scikit-learn's own.
TAKES_A_MATRIX = (
    "sklearn.calibration", "sklearn.cluster", "sklearn.decomposition", "sklearn.discriminant_analysis",
    "sklearn.dummy", "sklearn.ensemble", "sklearn.feature_selection", "sklearn.gaussian_process", "sklearn.impute",
    "sklearn.isotonic", "sklearn.kernel_ridge", "sklearn.linear_model", "sklearn.mixture", "sklearn.multiclass",
    "sklearn.multioutput", "sklearn.naive_bayes", "sklearn.neighbors", "sklearn.neural_network", "sklearn.pipeline",
    "sklearn.preprocessing._data", "sklearn.preprocessing._polynomial", "sklearn.svm", "sklearn.tree",
)  # fmt: skip

# Their prediction walks each row down its trees by itself; what follows is one operation per element.
FORESTS = frozenset({
    "DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor",
    "ExtraTreesClassifier", "ExtraTreesRegressor", "RandomForestClassifier", "RandomForestRegressor",
})  # fmt: skip
# Only their `predict`: probabilities come from an exponential, which may round differently in a longer vector.
BOOSTED = frozenset({
    "GradientBoostingClassifier", "GradientBoostingRegressor", "HistGradientBoostingClassifier",
    "HistGradientBoostingRegressor",
})  # fmt: skip
STRAIGHT_LOSSES = frozenset({
    "log_loss", "exponential", "squared_error", "absolute_error", "huber", "quantile",
})  # fmt: skip
ELEMENTWISE = frozenset({
    "MaxAbsScaler", "MinMaxScaler", "RobustScaler", "SimpleImputer", "StandardScaler",
})  # fmt: skip

NAMES_DIFFER = ("X does not have valid feature names", "X has feature names, but")


def load(card: ModelCard, deserialize: Deserialize) -> Native:
    python_function = card.flavors["python_function"]
    import_sklearn()
    model = deserialize(
        card.folder / python_function["model_path"], card.flavors.get("sklearn", {})
    )
    method = python_function.get("predict_fn", "predict")
    predict = getattr(model, method)
    if not takes_matrix(model, card):
        return Native("sklearn", predict)
    _forget_names(model)
    quick = straight(model, method) or predict
    return Native("sklearn", predict, quick, rows_are_apart=has_rows_apart(model, method))


def _forget_names(model: Any) -> None:
    """The names were compared once and for all; comparing them per request takes a tenth of a linear prediction.

    What is left of them, in the parts of an ensemble for instance, would warn of every matrix.
    """
    for part in (model, *(step for _, step in getattr(model, "steps", ()))):
        if not isinstance(part, str):  # a step may be the word "passthrough"
            vars(part).pop("feature_names_in_", None)
    for message in NAMES_DIFFER:
        warnings.filterwarnings("ignore", message=message)


def takes_matrix(model: Any, card: ModelCard) -> bool:
    if matrix_type(card) is None or not names_match(
        card, getattr(model, "feature_names_in_", None)
    ):
        return False
    return all(_takes_matrix(part) for part in _parts(model))


def _takes_matrix(part: Any) -> bool:
    return (
        type(part).__module__.startswith(TAKES_A_MATRIX)
        and not hasattr(part, "_sklearn_output_config")  # set_output: it may give tables
        and getattr(part, "_preprocessor", None) is None  # histogram boosting with categories
    )


def _parts(model: Any) -> list[Any]:
    """The estimator and all that it is made of."""
    nested = model.get_params(deep=True).values() if hasattr(model, "get_params") else ()
    return [model, *(value for value in nested if hasattr(value, "get_params"))]


def has_rows_apart(model: Any, method: str) -> bool:
    """Whether each row's answer is its own to the last bit; a list of what was proved, not a guess."""
    if type(model).__module__ == "sklearn.pipeline" and hasattr(model, "steps"):
        *before, last = (step for _, step in model.steps)
        return all(_is_elementwise(step) for step in before) and has_rows_apart(last, method)
    if not type(model).__module__.startswith(("sklearn.tree", "sklearn.ensemble")):
        return False
    name = type(model).__name__
    if name in BOOSTED:
        return method == "predict" and model.loss in STRAIGHT_LOSSES
    return name in FORESTS and method in ("predict", "predict_proba")


def _is_elementwise(step: Any) -> bool:
    return step == "passthrough" or (
        type(step).__name__ in ELEMENTWISE and type(step).__module__.startswith("sklearn.")
    )
