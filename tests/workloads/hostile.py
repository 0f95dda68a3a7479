"""Models that try to run code, or to read what isn't theirs. Each maker gets a folder and the mark that code would leave."""

from __future__ import annotations

import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import mlflow.lightgbm
import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
import skops.io
import yaml
from lightgbm import LGBMRegressor
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import FunctionTransformer

from tests.workloads.onnx_bytes import model_with_weights_in

TABLE = pd.DataFrame({"a": np.linspace(0, 1, 30), "b": np.linspace(1, 0, 30)})


class Bomb:
    """Pickled, it is a call that leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return (Path.touch, (self.mark,))


def save(folder: Path, **changes: Any) -> Path:
    """An honest model in skops, for its MLmodel to be spoiled."""
    mlflow.sklearn.save_model(
        LinearRegression().fit(TABLE, TABLE["a"]),
        folder,
        signature=infer_signature(TABLE),
        pip_requirements=[],
        **changes,
    )
    return folder


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    card = yaml.safe_load((folder / "MLmodel").read_text())
    change(card)
    (folder / "MLmodel").write_text(yaml.safe_dump(card))


def a_pickle(folder: Path, mark: Path) -> None:
    save(folder, serialization_format="pickle")
    (folder / "model.pkl").write_bytes(pickle.dumps(Bomb(mark)))


def a_cloudpickle(folder: Path, mark: Path) -> None:
    save(folder, serialization_format="cloudpickle")
    (folder / "model.pkl").write_bytes(pickle.dumps(Bomb(mark)))


def a_pickle_that_names_no_format(folder: Path, mark: Path) -> None:
    a_pickle(folder, mark)
    edit(folder, lambda card: card["flavors"]["sklearn"].pop("serialization_format"))


def a_pickle_whose_flavor_is_not_told(folder: Path, mark: Path) -> None:
    a_pickle(folder, mark)
    edit(folder, lambda card: card["flavors"].pop("sklearn"))


def a_joblib_file_called_skops(folder: Path, mark: Path) -> None:
    save(folder)
    joblib.dump(Bomb(mark), folder / "model.skops")


def a_skops_file_that_trusts_a_call(folder: Path, mark: Path) -> None:
    """FunctionTransformer calls what it is given with the request; a shell reads column names as words."""
    save(folder)
    call = FunctionTransformer(pd.eval, kw_args={"local_dict": {"mark": str(mark)}})
    skops.io.dump(call, folder / "model.skops")
    trusted = skops.io.get_untrusted_types(file=folder / "model.skops")
    edit(folder, lambda card: card["flavors"]["sklearn"].update(skops_trusted_types=trusted))


def a_skops_file_that_trusts_an_import(folder: Path, _mark: Path) -> None:
    """Popen is no class of LightGBM's, wherever it is imported."""
    save(folder)
    names = ["sklearn.utils._testing.TestCase", "sklearn.pipeline.Pipeline"]
    edit(folder, lambda card: card["flavors"]["sklearn"].update(skops_trusted_types=names))


def a_pickled_lightgbm(folder: Path, mark: Path) -> None:
    model = LGBMRegressor(n_estimators=1, min_child_samples=2, verbosity=-1).fit(TABLE, TABLE["a"])
    mlflow.lightgbm.save_model(model, folder, serialization_format="pickle", pip_requirements=[])
    assert (folder / "model.pkl").exists()
    (folder / "model.pkl").write_bytes(pickle.dumps(Bomb(mark)))


def a_python_model(folder: Path, mark: Path) -> None:
    class Model(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined] # mlflow is untyped
        def load_context(self, context: object) -> None:
            mark.touch()

        def predict(self, context: object, model_input: Any, params: Any = None) -> Any:
            return model_input

    mlflow.pyfunc.save_model(folder, python_model=Model(), pip_requirements=[])
    mark.unlink(missing_ok=True)  # logging it runs it too


def a_loader_of_its_own(folder: Path, mark: Path) -> None:
    save(folder)
    program(folder / "code" / "own_loader.py", mark)

    def change(card: dict[str, Any]) -> None:
        card["flavors"]["python_function"].update(loader_module="own_loader", code="code")

    edit(folder, change)


def a_module_of_the_runtime_as_loader(folder: Path, _mark: Path) -> None:
    save(folder)
    edit(
        folder,
        lambda card: card["flavors"]["python_function"].update(loader_module="mlflow.statsmodels"),
    )


def a_folder_of_code(folder: Path, mark: Path) -> None:
    """A module that scikit-learn imports, found first in the model's own folder."""
    save(folder)
    program(folder / "code" / "scipy.py", mark)
    edit(folder, lambda card: card["flavors"]["python_function"].update(code="code"))


def program(file: Path, mark: Path) -> None:
    file.parent.mkdir()
    file.write_text(f"import pathlib; pathlib.Path({str(mark)!r}).touch()\n")


def a_path_out_of_the_folder(folder: Path, _mark: Path) -> None:
    save(folder)
    shutil.move(folder / "model.skops", folder.parent / "model.skops")
    edit(
        folder,
        lambda card: card["flavors"]["python_function"].update(model_path="../model.skops"),
    )


def an_example_out_of_the_folder(folder: Path, _mark: Path) -> None:
    save(folder)
    (folder.parent / "secret").write_text("{}")
    edit(
        folder,
        lambda card: card.update(saved_input_example_info={"serving_input_path": "../secret"}),
    )


def a_link_out_of_the_folder(folder: Path, _mark: Path) -> None:
    save(folder)
    shutil.move(folder / "model.skops", folder.parent / "elsewhere.skops")
    (folder / "model.skops").symlink_to("../elsewhere.skops")


def an_archive_that_climbs(folder: Path, _mark: Path) -> None:
    save(folder)
    with zipfile.ZipFile(folder / "model.skops", "a") as archive:
        archive.writestr("../../tmp/evil.py", "")


def weights_out_of_the_folder(folder: Path, _mark: Path) -> None:
    save(folder)
    (folder / "model.onnx").write_bytes(model_with_weights_in("../../../etc/passwd"))

    def change(card: dict[str, Any]) -> None:
        card["flavors"]["python_function"].update(loader_module="mlflow.onnx", data="model.onnx")
        card["flavors"]["onnx"] = {"data": "model.onnx"}

    edit(folder, change)


def a_tag_that_calls(folder: Path, mark: Path) -> None:
    folder.mkdir()
    (folder / "MLmodel").write_text(f'!!python/object/apply:os.system ["touch {mark}"]')


def a_card_that_fills_memory(folder: Path, _mark: Path) -> None:
    save(folder)
    with (folder / "MLmodel").open("a") as stream:
        stream.write("padding: '" + "x" * 5_000_000 + "'\n")


def a_card_that_nests(folder: Path, _mark: Path) -> None:
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors: " + "[" * 100_000)
