"""Whether a model may be loaded at all: its files must lie in its folder, and must be data unless code was allowed.

A pickle is a program. So is a folder `code`, a loader of the model's own, and a list of trusted types that the model
itself brings. Whoever may write to the registry would run code in every serving pod, which is why somebody who may
write the endpoint has to say so. The rule is a list of what is known to be data; everything else counts as code.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from soloist_workloads.serving.onnx_files import read_external_locations
from soloist_workloads.serving.problem import ModelProblem, show
from soloist_workloads.serving.signature import ModelCard
from soloist_workloads.serving.trusted_types import find_untrusted

# What the loaders that are known to be safe read paths from.
PATHS = ("model_path", "pickled_model", "data", "code", "model_code_path")
ALLOW = "Set spec.allowPickle: true on the ModelEndpoint if you trust its author, or {otherwise}."
SKOPS = "log it with serialization_format='skops'"
BOOSTER = "lightgbm.basic.Booster"
MOST_LISTED = 5


def require_trust(card: ModelCard, *, named: str, allow_pickle: bool) -> None:
    """Raises what is wrong, and what to do. Nothing of the model but its MLmodel and file headers was read by then."""
    _require_own_files(card, named)
    if allow_pickle:
        return
    code = find_code(card)
    if code is not None:
        cause, otherwise = code
        raise ModelProblem(f"{named} {cause}. {ALLOW.format(otherwise=otherwise)}")


def find_code(card: ModelCard) -> tuple[str, str] | None:
    """What of the model runs when it is loaded, and how to log it without; None when all of it is data."""
    python_function, flavor = card.flavors["python_function"], _own_flavor(card)
    for conf in (python_function, flavor):
        if conf.get("code"):
            return (
                f"brings code of its own ({show(conf['code'])}), which runs when it is loaded",
                "log it without code_paths",
            )
    judge = JUDGES.get(card.loader)
    if judge is None:
        return (
            f"is loaded by {card.loader or 'no module at all'}, which may run code when it is loaded",
            "log it with mlflow.sklearn, mlflow.lightgbm, mlflow.xgboost or mlflow.onnx, whose files are data",
        )
    return judge(card, flavor)


def _own_flavor(card: ModelCard) -> Mapping[str, Any]:
    flavor = card.flavors.get(card.loader.rpartition(".")[2])
    return flavor if isinstance(flavor, Mapping) else {}


def _judge_sklearn(card: ModelCard, flavor: Mapping[str, Any]) -> tuple[str, str] | None:
    return _judge_object(card, flavor, card.flavors["python_function"].get("model_path"))


def _judge_object(card: ModelCard, flavor: Mapping[str, Any], file: Any) -> tuple[str, str] | None:
    """A Python object in a file: skops builds what it was told to trust, anything else is a program."""
    written = flavor.get("serialization_format", "pickle")
    if written != "skops":
        return f"is saved as {written}, which runs code when it is loaded", SKOPS
    _require_archive(card.folder / str(file))
    untrusted = find_untrusted(flavor.get("skops_trusted_types"))
    if not untrusted:
        return None
    return (
        f"asks to trust types that may run code when it is loaded: {', '.join(untrusted[:MOST_LISTED])}",
        "build it of scikit-learn's, LightGBM's and XGBoost's own types",
    )


def _require_archive(file: Path) -> None:
    """A skops file is a zip; one that isn't was renamed, and its loader would only say so in its own words."""
    if not zipfile.is_zipfile(file):
        raise ModelProblem(
            f"{file} should be a skops file, but is none: it was damaged or renamed. Log the model again."
        )
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.startswith("/") or ".." in Path(name).parts:
                raise ModelProblem(
                    f"{file} holds an entry named {show(name)}, which points out of it. Log the model again."
                )


def _judge_lightgbm(card: ModelCard, flavor: Mapping[str, Any]) -> tuple[str, str] | None:
    """A Booster's file is text; LightGBM's scikit-learn classes are objects as scikit-learn's own."""
    if flavor.get("model_class", BOOSTER) == BOOSTER:
        return None
    return _judge_object(card, flavor, flavor.get("data"))


def _judge_xgboost(_card: ModelCard, flavor: Mapping[str, Any]) -> tuple[str, str] | None:
    kind = str(flavor.get("model_class", "xgboost.core.Booster"))
    if not find_untrusted([kind]):
        return None
    return f"is of {kind}, which is none of XGBoost's models", "log one of XGBoost's own models"


def _judge_onnx(card: ModelCard, flavor: Mapping[str, Any]) -> tuple[str, str] | None:
    file = card.folder / str(flavor.get("data") or card.flavors["python_function"].get("data"))
    for location in read_external_locations(file):
        if not _is_inside(file.parent / location, card.folder):
            raise ModelProblem(
                f"{file} keeps weights in {show(location)}, outside of the model's folder. Log it with "
                "save_as_external_data=False, or with its weights beside it."
            )
    return None


JUDGES: dict[str, Callable[[ModelCard, Mapping[str, Any]], tuple[str, str] | None]] = {
    "mlflow.sklearn": _judge_sklearn,
    "mlflow.lightgbm": _judge_lightgbm,
    "mlflow.xgboost": _judge_xgboost,
    "mlflow.onnx": _judge_onnx,
}


def _require_own_files(card: ModelCard, named: str) -> None:
    """Also where code was allowed: a path or a link out of the folder is a mistake or a trick, never a model."""
    for file in card.folder.rglob("*"):
        if file.is_symlink() and not _is_inside(file, card.folder):
            raise ModelProblem(
                f"{named} holds a link out of its folder: {file.relative_to(card.folder)}. Log the model again "
                "with the file itself."
            )
    for where in _paths(card):
        if not _is_inside(card.folder / where, card.folder):
            raise ModelProblem(
                f"{named} names the file {show(str(where))}, outside of its own folder. Log the model again: its "
                "files lie beside its MLmodel."
            )


def _paths(card: ModelCard) -> Iterator[str | Path]:
    if card.example is not None:
        yield card.example
    for conf in (card.flavors["python_function"], _own_flavor(card)):
        yield from (conf[key] for key in PATHS if isinstance(conf.get(key), str))


def _is_inside(file: Path, folder: Path) -> bool:
    """After links: a link's name says nothing of where it leads."""
    return file.resolve().is_relative_to(folder.resolve())
