"""Trees and forests without their checks and jobs: the same answers to the last bit, and the same words where there is none."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
import pytest
from sklearn import ensemble, tree
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

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

FEW: dict[str, Any] = {"n_estimators": 9, "random_state": 0}

STRAIGHT: dict[str, tuple[Any, Any]] = {
    "a tree of two words": (tree.DecisionTreeClassifier(max_depth=3), TWO),
    "a tree of amounts": (tree.DecisionTreeRegressor(random_state=0), AMOUNTS),
    "a random tree": (tree.ExtraTreeClassifier(random_state=0), THREE),
    "a random tree of amounts": (tree.ExtraTreeRegressor(random_state=0), AMOUNTS),
    "a forest of two words": (ensemble.RandomForestClassifier(**FEW), TWO),
    "a forest of three": (ensemble.RandomForestClassifier(max_depth=2, **FEW), THREE),
    "a forest of amounts": (ensemble.RandomForestRegressor(**FEW), AMOUNTS),
    "a forest without a bootstrap": (ensemble.ExtraTreesClassifier(**FEW), THREE),
    "the same, of amounts": (ensemble.ExtraTreesRegressor(**FEW), AMOUNTS),
    "of zeros below nothing": (ensemble.RandomForestRegressor(**FEW), np.full(120, -0.0)),
    "scaled": (make_pipeline(StandardScaler(), ensemble.RandomForestClassifier(**FEW)), TWO),
    "filled": (make_pipeline(SimpleImputer(), ensemble.RandomForestRegressor(**FEW)), AMOUNTS),
}
OTHERS: dict[str, tuple[Any, Any]] = {
    "two targets": (
        ensemble.RandomForestRegressor(**FEW),
        np.stack([AMOUNTS, TABLE[:, 0]], axis=1),
    ),
    "boosted": (ensemble.GradientBoostingRegressor(n_estimators=5), AMOUNTS),
    "a forest that finds outliers": (ensemble.IsolationForest(**FEW), None),
}


def methods(model: Any) -> list[str]:
    return [name for name in ("predict", "predict_proba") if hasattr(model, name)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", STRAIGHT)
def test_the_answer_is_the_estimators_to_the_last_bit(name: str, shape: Any) -> None:
    model, target = STRAIGHT[name]
    model.fit(TABLE, target)
    for method in methods(model):
        predict = straight(model, method)
        assert predict is not None
        rows = shape(CHANCE.normal(size=(17, 5)))
        assert_same_bits(predict, getattr(model, method), rows)


@pytest.mark.parametrize("rows", HOLED)
@pytest.mark.parametrize("name", ["a tree of two words", "a forest of three", "filled"])
def test_holes_are_left_to_those_who_know_what_to_do_with_them(name: str, rows: Any) -> None:
    model, target = STRAIGHT[name]
    predict = straight(model.fit(HOLES, target))
    assert predict is not None
    assert_same_bits(predict, model.predict, rows)


@pytest.mark.parametrize("name", ["a tree of amounts", "a forest of two words", "scaled"])
@pytest.mark.parametrize(
    "rows",
    [*REFUSED, pytest.param([[1.0, 2.0, 1e300, 4.0, 5.0]], id="too large for a tree")],
)
def test_what_it_refuses_is_refused_in_its_words(name: str, rows: Any) -> None:
    model, target = STRAIGHT[name]
    predict = straight(model.fit(TABLE, target))
    assert predict is not None
    assert_same_words(predict, model.predict, rows)


@pytest.mark.parametrize("name", OTHERS)
def test_who_predicts_in_another_way_is_left_to_it(name: str) -> None:
    model, target = OTHERS[name]
    assert straight(model.fit(TABLE, target)) is None


def test_with_several_jobs_the_answer_is_that_of_one() -> None:
    """scikit-learn's own sum then depends on which job ends first, so that batch and online answers could differ."""
    model = ensemble.RandomForestRegressor(n_estimators=50, n_jobs=2, random_state=0)
    predict = straight(model.fit(TABLE, AMOUNTS))
    assert predict is not None
    assert predict(TABLE).tobytes() == model.set_params(n_jobs=1).predict(TABLE).tobytes()


def test_a_method_that_only_it_has_is_left_to_it() -> None:
    model = ensemble.RandomForestClassifier(**FEW).fit(TABLE, TWO)
    assert straight(model, "predict_log_proba") is None
    assert straight(model, "apply") is None


def test_a_class_that_inherits_is_left_to_itself() -> None:
    class Careful(ensemble.RandomForestClassifier):  # type: ignore[misc] # untyped library
        pass

    Careful.__module__ = "sklearn.ensemble.mine"
    assert straight(Careful(**FEW).fit(TABLE, TWO)) is None


def test_a_forest_is_asked_in_a_fraction_of_the_time() -> None:
    model = ensemble.RandomForestClassifier(100, random_state=0).fit(TABLE, TWO)
    predict = straight(model)
    assert predict is not None

    def seconds(ask: Any) -> float:
        began = perf_counter()
        ask(TABLE[:1])
        return perf_counter() - began

    mine, theirs = (min(seconds(ask) for _ in range(20)) for ask in (predict, model.predict))
    assert mine < theirs / 4
