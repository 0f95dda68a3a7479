"""A model's signature and card, read from its MLmodel file without importing mlflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from soloist_workloads.serving.problem import ModelProblem


class Kind(StrEnum):
    """MLflow's column types."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    LONG = "long"
    FLOAT = "float"
    DOUBLE = "double"
    STRING = "string"
    BINARY = "binary"
    DATETIME = "datetime"


KINDS = frozenset(kind.value for kind in Kind)

# A signature of ten thousand columns takes one. YAML that is larger was made to fill memory.
MOST_CARD_BYTES = 4 * 1024 * 1024
DEEPEST_CARD = 64


@dataclass(frozen=True, slots=True)
class Column:
    """One input column; `name` is its position when the signature names none."""

    name: str | int
    kind: Kind
    required: bool = True


@dataclass(frozen=True, slots=True)
class Columns:
    """A table: the signature of a model trained on a DataFrame."""

    columns: tuple[Column, ...]
    named: bool

    @property
    def required(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.required)


@dataclass(frozen=True, slots=True)
class Tensor:
    """One array: the signature of a model trained on a NumPy array. -1 is any length."""

    dtype: str
    shape: tuple[int, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Nothing:
    """The model was logged without a signature: whatever comes is passed on."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """A signature that only mlflow itself can check: nested types, several tensors, type hints."""


Checkable = Columns | Tensor | Nothing
Signature = Checkable | Beyond


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What MLmodel says about a model, as far as serving it goes."""

    folder: Path
    flavors: Mapping[str, Mapping[str, Any]]
    inputs: Signature
    outputs: Signature
    has_params: bool
    example: Path | None
    texts: Mapping[str, Any]
    """The signature as MLmodel has it: JSON under inputs, outputs and params."""
    is_hinted: bool
    """The signature comes from type hints, and requests are held against those."""

    @property
    def loader(self) -> str:
        return str(self.flavors.get("python_function", {}).get("loader_module", ""))

    @property
    def flavor(self) -> str:
        """As metrics and metadata call a model that mlflow loads."""
        return self.loader.rpartition(".")[2] or "pyfunc"


def read_card(folder: Path) -> ModelCard:
    """The card, or a sentence; MLmodel was written by whoever logged the model, so nothing in it is taken for granted."""
    file = folder / "MLmodel"
    body = _read_yaml(file)
    if not isinstance(body, dict) or "python_function" not in (body.get("flavors") or {}):
        raise ModelProblem(
            f"{file} has no python_function flavor. Log the model with one of mlflow's flavors "
            "(mlflow.sklearn.log_model and its like) or as a pyfunc."
        )
    try:
        return _parse_card(folder, body)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ModelProblem(
            f"{file} isn't as mlflow writes it: {type(error).__name__}: {error}. Log the model again."
        ) from None


def _read_yaml(file: Path) -> Any:
    try:
        with file.open("rb") as stream:
            text = stream.read(MOST_CARD_BYTES + 1)
        if len(text) > MOST_CARD_BYTES:
            raise ModelProblem(
                f"{file} is larger than {MOST_CARD_BYTES // 1024 // 1024} MiB, which no model needs. Log the model "
                "again."
            )
        _require_shallow(text)
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except OSError as error:
        raise ModelProblem(f"There is no model in {file.parent}: {error.strerror}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ModelProblem(f"{file} is not readable YAML: {_in_one_line(error)}.") from None


def _require_shallow(text: bytes) -> None:
    """libyaml's binding builds nested lists by recursion in C, and deep ones end the process without a word."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST_CARD:
            raise ValueError(f"it nests deeper than {DEEPEST_CARD} levels")


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _parse_card(folder: Path, body: dict[str, Any]) -> ModelCard:
    flavors = body["flavors"]
    if not all(isinstance(conf, dict) for conf in flavors.values()):
        raise TypeError("a flavor is no mapping")
    signature = body.get("signature") or {}
    hinted = bool(body.get("is_signature_from_type_hint"))
    example = (body.get("saved_input_example_info") or {}).get("serving_input_path")
    return ModelCard(
        folder=folder,
        flavors=flavors,
        inputs=Beyond() if hinted else parse_schema(signature.get("inputs")),
        outputs=parse_schema(signature.get("outputs")),
        has_params=bool(signature.get("params")),
        example=folder / example if example and (folder / example).is_file() else None,
        texts=dict(signature),
        is_hinted=hinted,
    )


def parse_schema(text: str | None) -> Signature:
    """One side of a signature, from the JSON that MLflow writes."""
    if not text:
        return Nothing()
    specs = json.loads(text)
    if not specs:
        return Nothing()
    if all(spec.get("type") == "tensor" for spec in specs):
        return _parse_tensor(specs)
    if not all(spec.get("type") in KINDS for spec in specs):
        return Beyond()
    named = all(spec.get("name") for spec in specs)
    return Columns(
        columns=tuple(
            Column(
                name=spec["name"] if named else position,
                kind=Kind(spec["type"]),
                required=spec.get("required", not spec.get("optional", False)),
            )
            for position, spec in enumerate(specs)
        ),
        named=named,
    )


def _parse_tensor(specs: list[dict[str, Any]]) -> Tensor | Beyond:
    if len(specs) != 1:
        return Beyond()
    spec = specs[0]["tensor-spec"]
    return Tensor(dtype=spec["dtype"], shape=tuple(spec["shape"]), name=specs[0].get("name"))
