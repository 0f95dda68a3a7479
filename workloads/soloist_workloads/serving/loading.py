"""Loads a model folder the cheapest way that keeps its meaning."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from soloist_workloads.serving.problem import ModelProblem
from soloist_workloads.serving.scorer import NativeScorer, Scorer
from soloist_workloads.serving.signature import Beyond, ModelCard
from soloist_workloads.serving.validity import Watch

SKLEARN, LIGHTGBM = "mlflow.sklearn", "mlflow.lightgbm"
BOOSTER = "lightgbm.basic.Booster"


def load_scorer(card: ModelCard, watch: Watch | None = None) -> Scorer:
    """The model, ready to answer, its predictions watched. `mlflow` is imported only for what isn't native."""
    watch = watch or Watch(card.outputs)
    native = None if _needs_mlflow(card) else NATIVE.get(card.loader)
    try:
        if native is not None and not isinstance(card.inputs, Beyond):
            flavor, predict = native(card)
            return NativeScorer(flavor, watch.over(predict), card.inputs, card.outputs)
        from soloist_workloads.serving.pyfunc import load_pyfunc

        return load_pyfunc(card, watch)
    except ModelProblem:
        raise
    except Exception as error:
        raise ModelProblem(explain_load_failure(card.folder, error)) from error


def _needs_mlflow(card: ModelCard) -> bool:
    """Parameters at prediction time and code shipped with the model are mlflow's business."""
    flavor = card.flavors.get(card.loader.rpartition(".")[2], {})
    return (
        card.has_params
        or bool(flavor.get("code"))
        or bool(card.flavors["python_function"].get("code"))
    )


def _load_sklearn(card: ModelCard) -> tuple[str, Callable[[Any], Any]]:
    python_function, flavor = (
        card.flavors["python_function"],
        card.flavors.get("sklearn", {}),
    )
    model = _deserialize(card.folder / python_function["model_path"], flavor)
    return "sklearn", getattr(model, python_function.get("predict_fn", "predict"))


def _load_lightgbm(card: ModelCard) -> tuple[str, Callable[[Any], Any]]:
    flavor = card.flavors["lightgbm"]
    file = card.folder / flavor["data"]
    if flavor.get("model_class", BOOSTER) != BOOSTER:
        return "lightgbm", _deserialize(file, flavor).predict
    import lightgbm

    return "lightgbm", lightgbm.Booster(model_file=str(file)).predict


NATIVE: dict[str, Callable[[ModelCard], tuple[str, Callable[[Any], Any]]]] = {
    SKLEARN: _load_sklearn,
    LIGHTGBM: _load_lightgbm,
}


def _deserialize(file: Path, flavor: Any) -> Any:
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
