"""Loads a model folder the cheapest way that keeps its meaning."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from typing import Any

from soloist_workloads.serving.flavors.native import Native, matrix_type
from soloist_workloads.serving.matrix import compile_matrix_plan
from soloist_workloads.serving.problem import ModelProblem
from soloist_workloads.serving.scorer import MatrixModel, NativeScorer, Scorer
from soloist_workloads.serving.signature import Beyond, Columns, ModelCard, Tensor
from soloist_workloads.serving.validity import Watch

# Which file of `flavors` loads what mlflow would load; each is imported only for its own models.
NATIVE = {
    "mlflow.sklearn": "sklearn",
    "mlflow.lightgbm": "lightgbm",
    "mlflow.xgboost": "xgboost",
    "mlflow.onnx": "onnx",
}


def load_scorer(card: ModelCard, watch: Watch | None = None, *, optimize: str = "") -> Scorer:
    """The model, ready to answer, its predictions watched. `mlflow` is imported only for what isn't native."""
    watch = watch or Watch(card.outputs)
    native = None if _needs_mlflow(card) else NATIVE.get(card.loader)
    try:
        if native is not None and not isinstance(card.inputs, Beyond):
            flavor = importlib.import_module(f"soloist_workloads.serving.flavors.{native}")
            loaded = flavor.load(card, deserialize)
            if optimize:
                from soloist_workloads.serving.optimized import prefer_graph

                loaded = prefer_graph(card, loaded)
            return build_scorer(card, loaded, watch)
        from soloist_workloads.serving.pyfunc import load_pyfunc

        return load_pyfunc(card, watch)
    except ModelProblem:
        raise
    except Exception as error:
        raise ModelProblem(explain_load_failure(card.folder, error)) from error


def _needs_mlflow(card: ModelCard) -> bool:
    """Parameters at prediction time and code shipped with the model are mlflow's business.

    So is the name of an ONNX model's only array: mlflow hands such a model an object of arrays.
    """
    flavor = card.flavors.get(card.loader.rpartition(".")[2], {})
    named = isinstance(card.inputs, Tensor) and card.inputs.name is not None
    return (
        card.has_params
        or (named and card.loader == "mlflow.onnx")
        or bool(flavor.get("code"))
        or bool(card.flavors["python_function"].get("code"))
    )


def build_scorer(card: ModelCard, native: Native, watch: Watch) -> NativeScorer:
    """The loaded model behind its signature, with the short way where the flavor offers one.

    Only the long way is watched here: a matrix may hold the rows of several requests, and they are counted one by one.
    """
    assert not isinstance(card.inputs, Beyond)
    matrix = None
    dtype = matrix_type(card)
    if native.predict_matrix is not None and dtype is not None and isinstance(card.inputs, Columns):
        plan = compile_matrix_plan(card.inputs, dtype)
        matrix = MatrixModel(plan, native.predict_matrix, native.rows_are_apart, watch.see)
    predict = watch.over(native.predict)
    return NativeScorer(
        native.flavor,
        predict,
        card.inputs,
        card.outputs,
        matrix=matrix,
        optimized=native.optimized,
    )


def deserialize(file: Path, flavor: Any) -> Any:
    """skops builds known types only; the pickles run code, which is why their author must be trusted."""
    match flavor.get("serialization_format", "pickle"):
        case "skops":
            import skops.io

            return skops.io.load(file, trusted=flavor.get("skops_trusted_types"))
        case "cloudpickle":
            import cloudpickle  # type: ignore[import-untyped]  # it ships no types

            return cloudpickle.loads(file.read_bytes())
        case "pickle":
            return pickle.loads(file.read_bytes())  # noqa: S301 - the docstring says whom it trusts
        case other:
            raise ModelProblem(f"{file} is serialized as {other}, which is not known here.")


def explain_load_failure(folder: Path, error: Exception) -> str:
    """The usual causes by name, with the remedy."""
    name = type(error).__name__
    if name == "UntrustedTypesFoundException":
        return (
            f"The model in {folder} holds types that nobody declared as trusted: {error} Log it again with "
            "skops_trusted_types=[…] naming them."
        )
    if isinstance(error, ModuleNotFoundError):
        return (
            f"The model in {folder} needs the Python package {error.name}, which this runtime doesn't have. "
            "Choose a runtime that has it."
        )
    return f"The model in {folder} can't be loaded: {name}: {error}"
