"""Models that try to run code, or to read what isn't theirs: nothing runs, and each is refused in plain words."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import mlflow.sklearn
import pytest
from lightgbm import LGBMRegressor
from mlflow.models import infer_signature

from soloist_workloads.environment import ServingSettings, parse_serving
from soloist_workloads.serving.metrics import Metrics
from soloist_workloads.serving.problem import ModelProblem
from soloist_workloads.serving.start import start_model
from soloist_workloads.serving.state import State
from tests.workloads.hostile import (
    TABLE,
    a_card_that_fills_memory,
    a_card_that_nests,
    a_cloudpickle,
    a_folder_of_code,
    a_joblib_file_called_skops,
    a_link_out_of_the_folder,
    a_loader_of_its_own,
    a_module_of_the_runtime_as_loader,
    a_path_out_of_the_folder,
    a_pickle,
    a_pickle_that_names_no_format,
    a_pickle_whose_flavor_is_not_told,
    a_pickled_lightgbm,
    a_python_model,
    a_skops_file_that_trusts_a_call,
    a_skops_file_that_trusts_an_import,
    a_tag_that_calls,
    an_archive_that_climbs,
    an_example_out_of_the_folder,
    save,
    weights_out_of_the_folder,
)

HOSTILE: dict[Callable[[Path, Path], None], str] = {
    a_pickle: "is saved as pickle, which runs code when it is loaded. Set spec.allowPickle: true",
    a_cloudpickle: "is saved as cloudpickle, which runs code when it is loaded. Set spec.allowPickle: true on the "
    "ModelEndpoint if you trust its author, or log it with serialization_format='skops'.",
    a_pickle_that_names_no_format: "is saved as pickle",
    a_pickle_whose_flavor_is_not_told: "is saved as pickle",
    a_joblib_file_called_skops: "it was damaged or renamed",
    a_skops_file_that_trusts_a_call: "types that may run code when it is loaded: pandas.",
    a_skops_file_that_trusts_an_import: "when it is loaded: sklearn.utils._testing.TestCase. Set spec.allowPickle",
    a_pickled_lightgbm: "is saved as pickle",
    a_python_model: "is loaded by mlflow.pyfunc.model, which may run code",
    a_loader_of_its_own: 'brings code of its own ("code")',
    a_module_of_the_runtime_as_loader: "is loaded by mlflow.statsmodels",
    a_folder_of_code: 'brings code of its own ("code")',
    a_path_out_of_the_folder: 'names the file "../model.skops", outside of its own folder',
    an_example_out_of_the_folder: "outside of its own folder",
    a_link_out_of_the_folder: "holds a link out of its folder: model.skops",
    an_archive_that_climbs: "an entry named",
    weights_out_of_the_folder: 'keeps weights in "../../../etc/passwd", outside',
    a_tag_that_calls: "is not readable YAML: could not determine a constructor for the tag",
    a_card_that_fills_memory: "is larger than 4 MiB",
    a_card_that_nests: "is not readable YAML: it nests deeper than 64 levels",
}


def settings(folder: Path, **more: str) -> ServingSettings:
    return parse_serving(
        {
            "SOLOIST_MODEL_DIR": str(folder),
            "SOLOIST_MODEL_NAME": "m",
            "SOLOIST_MODEL_VERSION": "3",
            **more,
        }
    )


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
@pytest.mark.filterwarnings("ignore")
def test_nothing_of_the_model_runs(make: Callable[[Path, Path], None], tmp_path: Path) -> None:
    folder, mark = tmp_path / "model", tmp_path / "mark"
    make(folder, mark)
    state = State()
    with pytest.raises(ModelProblem) as caught:
        start_model(settings(folder), state, Metrics(model="m", version="3"))
    assert HOSTILE[make] in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not mark.exists()
    assert state.scorer is None


@pytest.mark.parametrize(
    "make",
    [a_path_out_of_the_folder, a_link_out_of_the_folder, an_example_out_of_the_folder],
    ids=lambda make: make.__name__,
)
def test_code_that_is_allowed_opens_no_other_folder(
    make: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "model", tmp_path / "mark")
    with pytest.raises(ModelProblem, match="folder"):
        start_model(
            settings(tmp_path / "model", SOLOIST_ALLOW_PICKLE="1"),
            State(),
            Metrics(model="m", version="3"),
        )


@pytest.mark.parametrize("make", [a_pickle, a_cloudpickle, a_pickled_lightgbm, a_loader_of_its_own])
@pytest.mark.filterwarnings("ignore")
def test_the_traps_would_have_sprung(make: Callable[[Path, Path], None], tmp_path: Path) -> None:
    """Otherwise the silence above would prove nothing."""
    make(tmp_path / "model", tmp_path / "mark")
    with contextlib.suppress(Exception):
        start_model(
            settings(tmp_path / "model", SOLOIST_ALLOW_PICKLE="1"),
            State(),
            Metrics(model="m", version="3"),
        )
    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize(("allowed", "serves"), [("1", True), ("0", False)])
def test_a_pickle_is_served_where_somebody_allowed_it(
    allowed: str, serves: bool, tmp_path: Path
) -> None:
    save(tmp_path / "model", serialization_format="pickle")
    state = State()
    start = (
        settings(tmp_path / "model", SOLOIST_ALLOW_PICKLE=allowed),
        state,
        Metrics(model="m", version="3"),
    )
    if serves:
        start_model(*start)
    else:
        with pytest.raises(ModelProblem, match=r"^Model m version 3 is saved as pickle"):
            start_model(*start)
    assert (state.scorer is not None) is serves


def test_data_needs_no_permission(tmp_path: Path) -> None:
    trusted = ["collections.OrderedDict", "collections.defaultdict", "lightgbm.basic.Booster", "lightgbm.sklearn.LGBMRegressor", "numpy.dtype"]  # fmt: skip
    model = LGBMRegressor(n_estimators=1, min_child_samples=2, verbosity=-1).fit(TABLE, TABLE["a"])
    mlflow.sklearn.save_model(
        model,
        tmp_path / "model",
        signature=infer_signature(TABLE),
        skops_trusted_types=trusted,
        pip_requirements=[],
    )
    state = State()
    start_model(settings(tmp_path / "model"), state, Metrics(model="m", version="3"))
    assert state.scorer is not None
