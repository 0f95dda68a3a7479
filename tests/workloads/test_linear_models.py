"""Linear models without their checks: the same answers to the last bit, and the same words where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import linear_model, svm
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.impute import SimpleImputer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from soloist_workloads.serving.flavors.straight import straight
from tests.workloads.straight_models import (
    AMOUNTS,
    CHANCE,
    HOLED,
    HOLES,
    REFUSED,
    SHAPES,
    TABLE,
    THREE,
    TWO,
    assert_same_bits,
    assert_same_words,
)

STRAIGHT: dict[str, tuple[Any, Any]] = {
    "logistic, two words": (linear_model.LogisticRegression(), TWO),
    "logistic, three": (linear_model.LogisticRegression(), THREE),
    "stochastic": (linear_model.SGDClassifier(random_state=0), TWO),
    "linear support vectors": (svm.LinearSVC(), THREE),
    "least squares": (linear_model.LinearRegression(), AMOUNTS),
    "two targets": (linear_model.LinearRegression(), np.stack([AMOUNTS, TABLE[:, 0]], axis=1)),
    "without intercept": (linear_model.Ridge(fit_intercept=False), AMOUNTS),
    "lasso": (linear_model.Lasso(alpha=0.1), AMOUNTS),
    "elastic net": (linear_model.ElasticNet(alpha=0.1), AMOUNTS),
    "scaled": (make_pipeline(StandardScaler(), linear_model.LogisticRegression()), THREE),
    "centred": (make_pipeline(StandardScaler(with_std=False), linear_model.Ridge()), AMOUNTS),
    "in place": (
        make_pipeline(StandardScaler(with_mean=False, copy=False), linear_model.Ridge()),
        AMOUNTS,
    ),
    "scaled twice": (
        make_pipeline(StandardScaler(), StandardScaler(), linear_model.Ridge()),
        AMOUNTS,
    ),
    "filled": (make_pipeline(SimpleImputer(), linear_model.Ridge()), AMOUNTS),
    "filled and scaled": (
        make_pipeline(
            SimpleImputer(strategy="median"), StandardScaler(), linear_model.LogisticRegression()
        ),
        THREE,
    ),
    "filled in place": (
        make_pipeline(SimpleImputer(copy=False), linear_model.LinearRegression()),
        AMOUNTS,
    ),
}
OTHERS: dict[str, tuple[Any, Any]] = {
    "counts by a logarithm": (linear_model.PoissonRegressor(), np.abs(AMOUNTS)),
    "several labels": (linear_model.RidgeClassifier(), np.stack([THREE, THREE], axis=1) > 0),
    "a discriminant": (LinearDiscriminantAnalysis(), THREE),
    "many of them": (OneVsRestClassifier(linear_model.LogisticRegression()), THREE),
    "scaled to a range": (make_pipeline(MinMaxScaler(), linear_model.Ridge()), AMOUNTS),
    "a scaler alone": (StandardScaler(), None),
    "filled, and where": (
        make_pipeline(SimpleImputer(add_indicator=True), linear_model.Ridge()),
        AMOUNTS,
    ),
    "filled where it says so": (
        make_pipeline(SimpleImputer(missing_values=-1.0), linear_model.Ridge()),
        AMOUNTS,
    ),
    "support vectors": (svm.SVC(kernel="linear"), THREE),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", STRAIGHT)
def test_the_answer_is_the_estimators_to_the_last_bit(name: str, shape: Any) -> None:
    model, target = STRAIGHT[name]
    predict = straight(model.fit(TABLE, target))
    assert predict is not None
    rows = shape(CHANCE.normal(size=(17, 5)) * 10)
    assert_same_bits(predict, model.predict, rows)


@pytest.mark.parametrize("rows", HOLED)
@pytest.mark.parametrize("name", ["filled", "filled and scaled", "filled in place"])
def test_holes_are_filled_as_the_imputer_does(name: str, rows: Any) -> None:
    model, target = STRAIGHT[name]
    predict = straight(model.fit(HOLES, target))
    assert predict is not None
    assert_same_bits(predict, model.predict, rows)


@pytest.mark.parametrize("name", ["logistic, three", "scaled"])
@pytest.mark.parametrize(
    "rows", [*REFUSED, pytest.param([[1.0, 2.0, np.nan, 4.0, 5.0]], id="not a number")]
)
def test_what_it_refuses_is_refused_in_its_words(name: str, rows: Any) -> None:
    model, target = STRAIGHT[name]
    predict = straight(model.fit(TABLE, target))
    assert predict is not None
    assert_same_words(predict, model.predict, rows)


def test_other_methods_than_predict_are_left_to_it() -> None:
    model = linear_model.LogisticRegression().fit(TABLE, THREE)
    assert straight(model, "predict_proba") is None


@pytest.mark.parametrize("name", OTHERS)
def test_who_predicts_in_another_way_is_left_to_it(name: str) -> None:
    model, target = OTHERS[name]
    assert straight(model.fit(TABLE, target)) is None


def test_what_becomes_infinite_on_the_way_is_refused_in_its_words() -> None:
    model = make_pipeline(StandardScaler(), linear_model.Ridge()).fit(TABLE / 100, AMOUNTS)
    predict = straight(model)
    assert predict is not None
    with pytest.raises(ValueError, match="infinity"), np.errstate(over="ignore"):
        predict(np.full((1, 5), 1e308))


def test_a_class_with_a_predict_of_its_own_is_left_to_it() -> None:
    class Careful(linear_model.LogisticRegression):  # type: ignore[misc] # untyped library
        def predict(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
            return super().predict(np.abs(X))

    Careful.__module__ = "sklearn.mine"
    assert straight(Careful().fit(TABLE, THREE)) is None


def test_sparse_coefficients_are_left_to_the_estimator() -> None:
    model = linear_model.LogisticRegression().fit(TABLE, THREE).sparsify()
    assert straight(model) is None
