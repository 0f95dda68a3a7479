"""One small model of every native flavor and kind, saved as people save them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import mlflow.lightgbm
import mlflow.onnx
import mlflow.sklearn
import mlflow.xgboost
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from sklearn import ensemble, linear_model, naive_bayes, neighbors, neural_network, svm, tree
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

CHANCE = np.random.default_rng(0)
TABLE = pd.DataFrame(CHANCE.normal(size=(240, 4)), columns=["a", "b c", "d", "e"])
LABELS = pd.Series((TABLE["a"] * TABLE["d"] > 0).astype(int) + (TABLE["e"] > 1))
WORDS = LABELS.map({0: "low", 1: "middle", 2: "high"})
AMOUNTS = TABLE["a"] * 3 + TABLE["e"] ** 2
COUNTS = (TABLE * 1000).round().astype("int64")

TREE = "sklearn.tree._tree.Tree"
NODES = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"

Save = Callable[[Path], None]


def _sklearn(
    model: Any, target: Any = LABELS, table: pd.DataFrame = TABLE, method: str = "predict"
) -> Save:
    def save(folder: Path) -> None:
        mlflow.sklearn.save_model(
            model.fit(table, target),
            folder,
            signature=infer_signature(table),
            pyfunc_predict_fn=method,
            serialization_format="cloudpickle",
            pip_requirements=[],
        )

    return save


def _boosted(flavor: Any, model: Any, table: pd.DataFrame = TABLE) -> Save:
    def save(folder: Path) -> None:
        signature = infer_signature(table)
        flavor.save_model(model(table), folder, signature=signature, pip_requirements=[])

    return save


def _onnx(model: Any, table: pd.DataFrame = TABLE, **options: Any) -> Save:
    def save(folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = table.to_numpy()
            graph = to_onnx(model.fit(values, LABELS), values[:1].astype(np.float32), **options)
        mlflow.onnx.save_model(graph, folder, signature=infer_signature(table), pip_requirements=[])

    return save


def _classifier(table: pd.DataFrame) -> Any:
    return lightgbm.LGBMClassifier(n_estimators=9, verbosity=-1).fit(table, LABELS)


NO_ZIPMAP = {"options": {"zipmap": False}}

# By name: (how to save it, whether it takes matrices, whether its rows are apart).
MODELS: dict[str, tuple[Save, bool, bool]] = {
    "logistic": (_sklearn(linear_model.LogisticRegression()), True, False),
    "logistic-words": (_sklearn(linear_model.LogisticRegression(), WORDS), True, False),
    "logistic-probabilities": (
        _sklearn(linear_model.LogisticRegression(), method="predict_proba"), True, False,
    ),
    "ridge": (_sklearn(linear_model.Ridge(), AMOUNTS), True, False),
    "ridge-floats": (
        _sklearn(linear_model.Ridge(), AMOUNTS, TABLE.astype("float32")), True, False,
    ),
    "svm": (_sklearn(svm.SVC()), True, False),
    "neighbors": (_sklearn(neighbors.KNeighborsClassifier()), True, False),
    "bayes": (_sklearn(naive_bayes.GaussianNB()), True, False),
    "perceptron": (_sklearn(neural_network.MLPClassifier((4,), max_iter=30)), True, False),
    "tree": (_sklearn(tree.DecisionTreeRegressor(), AMOUNTS), True, True),
    "forest": (_sklearn(ensemble.RandomForestClassifier(20)), True, True),
    "forest-words": (_sklearn(ensemble.RandomForestClassifier(9), WORDS), True, True),
    "forest-counts": (_sklearn(ensemble.RandomForestClassifier(9), LABELS, COUNTS), True, True),
    "forest-probabilities": (
        _sklearn(ensemble.RandomForestClassifier(20), method="predict_proba"), True, True,
    ),
    "forest-regressor": (_sklearn(ensemble.RandomForestRegressor(20), AMOUNTS), True, True),
    "extra-trees": (_sklearn(ensemble.ExtraTreesRegressor(20), AMOUNTS), True, True),
    "boosting": (_sklearn(ensemble.GradientBoostingClassifier(n_estimators=9)), True, True),
    "boosting-regressor": (
        _sklearn(ensemble.GradientBoostingRegressor(n_estimators=9), AMOUNTS), True, True,
    ),
    "histograms": (_sklearn(ensemble.HistGradientBoostingClassifier(max_iter=9)), True, True),
    "histograms-regressor": (
        _sklearn(ensemble.HistGradientBoostingRegressor(max_iter=9), AMOUNTS), True, True,
    ),
    "scaled-forest": (
        _sklearn(
            make_pipeline(
                SimpleImputer(), StandardScaler(), MinMaxScaler(), ensemble.RandomForestClassifier(9)
            )
        ),
        True, True,
    ),
    "scaled-logistic": (
        _sklearn(make_pipeline(StandardScaler(), linear_model.LogisticRegression())), True, False,
    ),
    "set-output": (
        _sklearn(
            make_pipeline(
                StandardScaler().set_output(transform="pandas"), ensemble.RandomForestClassifier(9)
            )
        ),
        False, False,
    ),
    "lightgbm": (_boosted(mlflow.lightgbm, lambda t: _classifier(t).booster_), True, True),
    "lightgbm-classifier": (_boosted(mlflow.lightgbm, _classifier), True, True),
    "lightgbm-counts": (
        _boosted(mlflow.lightgbm, lambda t: _classifier(t).booster_, COUNTS), True, True,
    ),
    "xgboost": (
        _boosted(
            mlflow.xgboost,
            lambda t: xgboost.train(
                {"objective": "multi:softprob", "num_class": 3}, xgboost.DMatrix(t, LABELS), 9
            ),
        ),
        True, True,
    ),
    "xgboost-classifier": (
        _boosted(mlflow.xgboost, lambda t: xgboost.XGBClassifier(n_estimators=9).fit(t, LABELS)),
        True, True,
    ),
    "xgboost-regressor": (
        _boosted(mlflow.xgboost, lambda t: xgboost.XGBRegressor(n_estimators=9).fit(t, AMOUNTS)),
        True, True,
    ),
    "xgboost-counts": (
        _boosted(
            mlflow.xgboost, lambda t: xgboost.XGBClassifier(n_estimators=9).fit(t, LABELS), COUNTS
        ),
        True, True,
    ),
    "xgboost-linear": (
        _boosted(
            mlflow.xgboost,
            lambda t: xgboost.XGBRegressor(booster="gblinear", n_estimators=9).fit(t, AMOUNTS),
        ),
        False, False,
    ),
    "onnx-logistic": (_onnx(linear_model.LogisticRegression()), True, False),
    "onnx-no-zipmap": (_onnx(linear_model.LogisticRegression(), **NO_ZIPMAP), True, False),
    "onnx-forest": (_onnx(ensemble.RandomForestClassifier(9)), True, False),
    "onnx-floats": (
        _onnx(linear_model.LogisticRegression(), TABLE.astype("float32")), True, False,
    ),
}  # fmt: skip


def make_saver(root: Path) -> Callable[[str], Path]:
    """Saves each model once."""

    def folder(name: str) -> Path:
        target = root / name
        if not target.exists():
            MODELS[name][0](target)
        return target

    return folder
