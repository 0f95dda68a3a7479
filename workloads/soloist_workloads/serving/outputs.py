"""Predictions as tensors of the Open Inference Protocol, and what a signature promises of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.signature import (
    Beyond,
    Column,
    Columns,
    Kind,
    Nothing,
    Signature,
    Tensor,
)
from soloist_workloads.serving.tensors import BYTES, DATATYPES

OFFERED: dict[Kind, str] = {
    Kind.BOOLEAN: "BOOL",
    Kind.INTEGER: "INT32",
    Kind.LONG: "INT64",
    Kind.FLOAT: "FP32",
    Kind.DOUBLE: "FP64",
    Kind.STRING: BYTES,
    Kind.BINARY: BYTES,
    Kind.DATETIME: BYTES,
}


def describe_tensors(signature: Signature, *, default: str) -> list[dict[str, Any]]:
    """A side of the signature as the metadata endpoint tells it."""
    match signature:
        case Columns():
            return [
                {
                    "name": tensor_name(column, default),
                    "datatype": OFFERED[column.kind],
                    "shape": [-1],
                }
                for column in signature.columns
            ]
        case Tensor():
            datatype = DATATYPES.get(np.dtype(signature.dtype), BYTES)
            shape = list(signature.shape)
            return [
                {
                    "name": signature.name or default,
                    "datatype": datatype,
                    "shape": shape,
                }
            ]
        case Nothing() | Beyond():
            return []


def tensor_name(column: Column, default: str) -> str:
    return (
        column.name
        if isinstance(column.name, str)
        else f"{default.rpartition('-')[0]}-{column.name}"
    )


def encode_outputs(predictions: Any, signature: Signature) -> list[dict[str, Any]]:
    """One tensor per output column; `output-0` when the model gives no name."""
    if isinstance(predictions, pd.DataFrame):
        named: Mapping[Any, Any] = {name: predictions[name] for name in predictions.columns}
    elif isinstance(predictions, dict):
        named = predictions
    else:
        named = {_output_name(signature): predictions}
    return [_encode(str(name), np.asarray(values)) for name, values in named.items()]


def _output_name(signature: Signature) -> str:
    match signature:
        case Columns() if len(signature.columns) == 1:
            return tensor_name(signature.columns[0], "output-0")
        case Tensor() if signature.name:
            return signature.name
    return "output-0"


def _encode(name: str, array: np.ndarray[Any, Any]) -> dict[str, Any]:
    datatype = DATATYPES.get(array.dtype, BYTES)
    flat = array.reshape(-1)
    data = [_text(value) for value in flat] if datatype == BYTES else flat.tolist()
    return {
        "name": name,
        "shape": list(array.shape),
        "datatype": datatype,
        "data": data,
    }


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def choose_outputs(outputs: list[dict[str, Any]], requested: Any) -> list[dict[str, Any]]:
    """The outputs that the request names; all when it names none."""
    if not requested:
        return outputs
    known = {output["name"]: output for output in outputs}
    wanted = [str(item.get("name")) if isinstance(item, dict) else str(item) for item in requested]
    for name in wanted:
        if name not in known:
            raise RequestProblem(f"There is no output {name}. The model gives {', '.join(known)}.")
    return [known[name] for name in wanted]
