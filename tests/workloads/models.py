"""Models whose answer is a description of what they were given: equal answers mean equal inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec

COLUMNS = {
    "flag": "boolean",
    "small": "integer",
    "count": "long",
    "ratio": "float",
    "score": "double",
    "name": "string",
    "time": "datetime",
    "blob": "binary",
}
PLAIN = ("flag", "small", "count", "ratio", "score", "name")


def make_mirror() -> Any:
    """A class of a function's own is pickled by value, so that any process can load it."""

    def describe(values: pd.Series) -> dict[str, Any]:
        return {
            "name": str(values.name),
            "dtype": str(values.dtype),
            "values": [f"{type(value).__name__} {value!r}" for value in values],
        }

    class Mirror:
        def predict(self, given: Any) -> Any:
            if hasattr(given, "columns"):
                return [describe(given[name]) for name in given.columns]
            return [
                {
                    "dtype": str(given.dtype),
                    "shape": list(given.shape),
                    "values": repr(given),
                }
            ]

    return Mirror()


SIGNATURES: dict[str, Schema | None] = {
    "all": Schema([ColSpec(kind, name) for name, kind in COLUMNS.items()]),
    "plain": Schema([ColSpec(COLUMNS[name], name) for name in PLAIN]),
    "optional": Schema(
        [
            ColSpec("double", "score"),
            ColSpec("string", "name", required=False),
            ColSpec("long", "count", required=False),
        ]
    ),
    "doubles": Schema([ColSpec("double", "a"), ColSpec("double", "b")]),
    "longs": Schema([ColSpec("long", "a"), ColSpec("integer", "b")]),
    "text": Schema([ColSpec("string", "text")]),
    "nameless": Schema([ColSpec("double"), ColSpec("double"), ColSpec("long")]),
    "matrix": Schema([TensorSpec(np.dtype("float64"), (-1, 3))]),
    "vector": Schema([TensorSpec(np.dtype("int64"), (-1,))]),
    "image": Schema([TensorSpec(np.dtype("float32"), (-1, 2, 2))]),
    "unsigned": None,
}


def save_mirror(folder: Path, schema: Schema | None) -> Path:
    mlflow.sklearn.save_model(
        make_mirror(),
        folder,
        signature=ModelSignature(inputs=schema) if schema is not None else None,
        serialization_format="cloudpickle",
        pip_requirements=[],
    )
    return folder
