"""A model that does what it is told: answers, holds the interpreter's lock, crashes, fills memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema


def make_unruly() -> Any:
    """A class of a function's own is pickled by value, so that any process can load it."""

    class Unruly(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined] # mlflow is untyped
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            import ctypes
            import os

            order = str(model_input["order"].iloc[0])
            name, _, rest = order.partition(" ")
            if name == "hold":  # PyDLL keeps the lock during the call
                ctypes.PyDLL(None).usleep(int(rest))
            elif name == "segfault":
                ctypes.string_at(0)
            elif name == "exit":
                os._exit(int(rest))
            elif name == "fill":
                held = bytearray(int(rest))
                held[::4096] = b"\1" * len(held[::4096])
            elif name == "nan":
                return [float("nan")] * len(model_input)
            elif name == "raise":
                raise SystemExit(rest)
            return [f"{order} {(params or {}).get('suffix', '')} {os.getpid()}"] * len(model_input)

    return Unruly()


def save_unruly(folder: Path, **more: Any) -> Path:
    mlflow.pyfunc.save_model(
        folder,
        python_model=make_unruly(),
        signature=ModelSignature(
            inputs=Schema([ColSpec("string", "order")]),
            params=ParamSchema([ParamSpec("suffix", "string", "")]),
        ),
        pip_requirements=[],
        **more,
    )
    return folder
