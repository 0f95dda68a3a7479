"""Which models are loaded how, and what is said of those that can't be."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow.lightgbm
import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from soloist_workloads.serving.loading import load_scorer
from soloist_workloads.serving.problem import ModelProblem, RequestProblem
from soloist_workloads.serving.scorer import NativeScorer
from soloist_workloads.serving.signature import Nothing, read_card
from soloist_workloads.serving.warmup import PACE_SECONDS, warm_up

TABLE = pd.DataFrame({"a": np.linspace(0, 1, 40), "b": np.linspace(1, 0, 40)})
LABELS = pd.Series([0] * 20 + [1] * 20)
REQUEST = b'{"dataframe_records": [{"a": 0.1, "b": 0.9}, {"a": 1.0, "b": 0.0}]}'


def save_sklearn(folder: Path) -> object:
    model = LogisticRegression().fit(TABLE, LABELS)
    mlflow.sklearn.save_model(
        model,
        folder,
        signature=infer_signature(TABLE, LABELS),
        input_example=TABLE[:2],
        pip_requirements=[],
    )
    return model


def save_probabilities(folder: Path) -> object:
    model = LogisticRegression().fit(TABLE, LABELS)
    mlflow.sklearn.save_model(
        model,
        folder,
        signature=infer_signature(TABLE),
        pyfunc_predict_fn="predict_proba",
        pip_requirements=[],
    )
    return model


def save_booster(folder: Path) -> object:
    model = (
        LGBMRegressor(n_estimators=3, min_child_samples=2, verbosity=-1).fit(TABLE, LABELS).booster_
    )
    mlflow.lightgbm.save_model(
        model, folder, signature=infer_signature(TABLE, LABELS), pip_requirements=[]
    )
    return model


def save_lightgbm_classifier(folder: Path) -> object:
    model = LGBMClassifier(n_estimators=3, min_child_samples=2, verbosity=-1).fit(TABLE, LABELS)
    mlflow.lightgbm.save_model(
        model, folder, signature=infer_signature(TABLE, LABELS), pip_requirements=[]
    )
    return model


@pytest.mark.parametrize(
    "save", [save_sklearn, save_probabilities, save_booster, save_lightgbm_classifier]
)
def test_native_models_answer_as_mlflow_loads_them(
    save: Callable[[Path], object], tmp_path: Path
) -> None:
    save(tmp_path / "model")
    card = read_card(tmp_path / "model")
    scorer = load_scorer(card)
    warm_up(scorer, card)
    theirs = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    asked = pd.DataFrame({"a": [0.1, 1.0], "b": [0.9, 0.0]})
    expected = np.asarray(theirs.predict(asked)).tolist()
    assert scorer.invoke(REQUEST, "application/json").body.decode() == (
        '{"predictions":' + str(expected).replace(" ", "") + "}"
    )


def test_native_models_are_loaded_without_mlflow(tmp_path: Path) -> None:
    save_sklearn(tmp_path / "model")
    program = (
        "import sys; from pathlib import Path; from soloist_workloads.serving.loading import load_scorer;"
        "from soloist_workloads.serving.signature import read_card;"
        "load_scorer(read_card(Path(sys.argv[1]))); assert 'mlflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "model")], check=True)


class Doubled(mlflow.pyfunc.PythonModel):
    def predict(self, context: object, model_input: pd.DataFrame, params: object = None) -> object:
        if (model_input["a"] < 0).any():
            raise ArithmeticError("below zero")
        return model_input * 2


def test_other_models_go_through_mlflow(tmp_path: Path) -> None:
    mlflow.pyfunc.save_model(
        tmp_path / "model",
        python_model=Doubled(),
        signature=infer_signature(TABLE),
        pip_requirements=[],
    )
    card = read_card(tmp_path / "model")
    scorer = load_scorer(card)
    warm_up(scorer, card)
    assert scorer.invoke(REQUEST, "application/json").body == (
        b'{"predictions": [{"a": 0.2, "b": 1.8}, {"a": 2.0, "b": 0.0}]}'
    )
    for body, is_models in (
        (b'{"inputs": {"a": [-1.0], "b": [0.0]}}', True),
        (b'{"inputs": {"a": [-1.0]}}', False),
    ):
        with pytest.raises(RequestProblem) as caught:
            scorer.invoke(body, "application/json")
        assert caught.value.is_models is is_models


def test_types_that_nobody_trusted_are_named(tmp_path: Path) -> None:

    model = LGBMRegressor(n_estimators=2, min_child_samples=2, verbosity=-1).fit(TABLE, LABELS)
    mlflow.sklearn.save_model(
        model,
        tmp_path / "model",
        skops_trusted_types=["lightgbm.sklearn.LGBMRegressor", "lightgbm.basic.Booster", "collections.OrderedDict", "collections.defaultdict"],
        signature=infer_signature(TABLE),
        pip_requirements=[],
    )  # fmt: skip
    file = tmp_path / "model" / "MLmodel"
    file.write_text(file.read_text().replace("    - lightgbm.sklearn.LGBMRegressor\n", ""))
    with pytest.raises(ModelProblem, match=r"LGBMRegressor.*skops_trusted_types"):
        load_scorer(read_card(tmp_path / "model"))


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelProblem, match="There is no model in"):
        read_card(tmp_path)


def test_a_model_that_fails_on_its_own_example_is_not_served(tmp_path: Path) -> None:
    save_sklearn(tmp_path / "model")
    (tmp_path / "model" / "serving_input_example.json").write_text(
        '{"inputs": {"a": ["x"], "b": [1]}}'
    )
    card = read_card(tmp_path / "model")
    with pytest.raises(
        ModelProblem, match="fails on its own input example: Column a must be double"
    ):
        warm_up(load_scorer(card), card)


@pytest.mark.parametrize("with_example", [True, False])
def test_a_warm_model_is_known_as_quick_before_the_first_request(
    with_example: bool, tmp_path: Path
) -> None:
    save_sklearn(tmp_path / "model")
    if not with_example:
        (tmp_path / "model" / "serving_input_example.json").unlink()
    card = read_card(tmp_path / "model")
    scorer = load_scorer(card)
    assert scorer.matrix is not None
    assert not scorer.matrix.pace.is_quick
    warm_up(scorer, card)
    assert scorer.matrix.pace.is_quick


def test_to_learn_that_a_model_is_slow_takes_no_long_start(tmp_path: Path) -> None:
    save_sklearn(tmp_path / "model")
    card = read_card(tmp_path / "model")
    scorer, predictions = load_scorer(card), list[int]()
    assert scorer.matrix is not None

    def slow(rows: Any) -> Any:
        predictions.append(len(rows))
        began = time.thread_time()
        while time.thread_time() < began + PACE_SECONDS / 3.5:
            pass
        return rows[:, 0]

    matrix = replace(scorer.matrix, predict=slow)
    warm_up(NativeScorer("slow", lambda t: t["a"], scorer.inputs, Nothing(), matrix=matrix), card)
    assert not matrix.pace.is_quick
    assert len(predictions) == 1 + 4  # the first pays for what is imported with it


def test_a_model_that_is_data_is_looked_at_and_loaded_without_pandas(tmp_path: Path) -> None:
    """To know that its types are scikit-learn's own, scikit-learn is imported before it is loaded."""
    mlflow.sklearn.save_model(
        DecisionTreeRegressor(max_depth=2).fit(TABLE, TABLE["a"]),
        tmp_path / "model",
        signature=infer_signature(TABLE),
        serialization_format="skops",
        skops_trusted_types=["sklearn.tree._tree.Tree"],
        pip_requirements=[],
    )
    program = (
        "import os, sys\n"
        "from soloist_workloads.environment import parse_serving\n"
        "from soloist_workloads.serving.app import App\n"
        "from soloist_workloads.serving.lane import Lane\n"
        "from soloist_workloads.serving.server import build_server\n"
        "from soloist_workloads.serving.start import start_model\n"
        "from soloist_workloads.serving.state import State\n"
        "state = State()\n"
        "app = App(name='m', version='1', state=state, lane=Lane(threads=1), peers='')\n"
        "start_model(parse_serving(os.environ), state, app.metrics)\n"
        'state.scorer.invoke(b\'{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}}\', \'application/json\')\n'
        "assert not {'pandas', 'mlflow'} & set(sys.modules)\n"
        "import gc\n"
        "assert gc.isenabled() and gc.get_freeze_count() > 50_000, 'what was loaded is not looked at again'\n"
    )
    env = {
        "SOLOIST_MODEL_DIR": str(tmp_path / "model"), "SOLOIST_MODEL_NAME": "m",
        "SOLOIST_MODEL_VERSION": "1",
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", program], env=os.environ | env, check=True)
