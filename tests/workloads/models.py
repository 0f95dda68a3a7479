"""Models whose answer is a description of what they were given: equal answers mean equal inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import Array, Map, Object, Property

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
DOUBLE = DataType.double
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
    "times": Schema([ColSpec("datetime", "time")]),
    "pixels": Schema([TensorSpec(np.dtype("uint8"), (-1, 2))]),
    "switches": Schema([TensorSpec(np.dtype("bool"), (-1,))]),
    "words": Schema([TensorSpec(np.dtype("object"), (-1,))]),
    "pair": Schema(
        [
            TensorSpec(np.dtype("float64"), (-1, 2), "x"),
            TensorSpec(np.dtype("int64"), (-1,), "y"),
        ]
    ),
    "nested": Schema(
        [
            ColSpec(Array(Object([Property("x", DOUBLE), Property("y", DOUBLE, False)])), "points"),
            ColSpec(Map(DataType.string), "labels", required=False),
        ]
    ),
    "tuned": Schema([ColSpec("double", "a"), ColSpec("double", "b")]),
    "unsigned": None,
}
# A model of these gets them with every request; those left out with their defaults.
PARAMS: dict[str, ParamSchema] = {
    "tuned": ParamSchema(
        [
            ParamSpec("depth", "long", 3),
            ParamSpec("cut", "double", 0.5),
            ParamSpec("word", "string", "a"),
            ParamSpec("flag", "boolean", False),
            ParamSpec("words", "string", ["a"], shape=(-1,)),
        ]
    )
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


def make_tuned() -> Any:
    """Answers with its parameters, and with whose types they came."""

    class Tuned(mlflow.pyfunc.PythonModel):
        # Without type hints: mlflow would take them for a signature.
        def predict(self, context, model_input, params=None):
            given = {
                name: f"{type(value).__name__} {value!r}"
                for name, value in sorted((params or {}).items())
            }
            return [given | {"sum": float(model_input["a"].sum() + model_input["b"].sum())}]

    return Tuned()


def save_model(folder: Path, name: str) -> Path:
    """The model of this name, whatever it takes."""
    if name not in PARAMS:
        return save_mirror(folder, SIGNATURES[name])
    mlflow.pyfunc.save_model(
        folder,
        python_model=make_tuned(),
        signature=ModelSignature(inputs=SIGNATURES[name], params=PARAMS[name]),
        pip_requirements=[],
    )
    return folder
