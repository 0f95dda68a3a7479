"""The Open Inference Protocol v2 in JSON: tensors in, tensors out, around the same scorer."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pandas as pd

from soloist_workloads.serving.enforce import NUMPY_TYPES, unfit
from soloist_workloads.serving.problem import (
    INVALID_PARAMETER_VALUE,
    REFUSALS,
    RequestProblem,
    json_type,
    show,
)
from soloist_workloads.serving.scorer import Scorer
from soloist_workloads.serving.signature import Column, Columns, Kind, Signature, Tensor

NUMBERS = {
    "BOOL": "bool",
    "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64",
    "INT8": "int8", "INT16": "int16", "INT32": "int32", "INT64": "int64",
    "FP16": "float16", "FP32": "float32", "FP64": "float64",
}  # fmt: skip
DATATYPES = {np.dtype(name): datatype for datatype, name in NUMBERS.items()}
BYTES = "BYTES"

# Which tensors a column takes without loss. Whole numbers fit into floats, as JSON numbers do in protocol v1.
WHOLE = ("INT8", "INT16", "INT32", "UINT8", "UINT16")
LONG = (*WHOLE, "INT64", "UINT32")
ACCEPTED: dict[Kind, tuple[str, ...]] = {
    Kind.BOOLEAN: ("BOOL",),
    Kind.INTEGER: WHOLE,
    Kind.LONG: LONG,
    Kind.FLOAT: ("FP32", "FP16", *WHOLE),
    Kind.DOUBLE: ("FP64", "FP32", "FP16", *LONG, "UINT64"),
    Kind.STRING: (BYTES,),
    Kind.BINARY: (BYTES,),
    Kind.DATETIME: (BYTES,),
}
OFFERED = {kind: datatypes[0] for kind, datatypes in ACCEPTED.items()} | {
    Kind.INTEGER: "INT32",
    Kind.LONG: "INT64",
}


@dataclass(frozen=True, slots=True)
class InputTensor:
    """One input of a request: its values flat, in row-major order."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: list[Any]

    def array(self) -> np.ndarray[Any, Any]:
        dtype = object if self.datatype == BYTES else NUMBERS[self.datatype]
        try:
            return np.array(self.values, dtype=dtype).reshape(self.shape)
        except REFUSALS as error:
            raise RequestProblem(
                f"Input {self.name} is no {self.datatype} tensor of shape {list(self.shape)}: {error}."
            ) from None


def infer(body: bytes, scorer: Scorer, *, model: str, version: str) -> bytes:
    """Answer one inference request."""
    request = _parse(body)
    tensors = [
        _parse_tensor(position, given)
        for position, given in enumerate(request["inputs"])
    ]
    predictions = scorer.predict(_model_input(tensors, scorer.inputs))
    outputs = _choose(_outputs(predictions, scorer.outputs), request.get("outputs"))
    answer: dict[str, Any] = {"model_name": model, "model_version": version}
    if request.get("id") is not None:
        answer["id"] = request["id"]
    return orjson.dumps({**answer, "outputs": outputs})


def describe_tensors(signature: Signature, *, default: str) -> list[dict[str, Any]]:
    """A side of the signature as the metadata endpoint tells it."""
    match signature:
        case Columns():
            return [
                {
                    "name": _column_name(column, default),
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
    return []


def _column_name(column: Column, default: str) -> str:
    return (
        column.name
        if isinstance(column.name, str)
        else f"{default.rpartition('-')[0]}-{column.name}"
    )


def _parse(body: bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(body)
    except ValueError as error:
        raise RequestProblem(f"The body is not JSON: {error}.") from None
    if not isinstance(request, dict) or not isinstance(request.get("inputs"), list):
        raise RequestProblem(
            'The body must be a JSON object with an array "inputs" of tensors.'
        )
    if not request["inputs"]:
        raise RequestProblem(
            '"inputs" is empty. Send one tensor per column, or one for all.'
        )
    return request


def _parse_tensor(position: int, given: Any) -> InputTensor:
    where = f"inputs[{position}]"
    if not isinstance(given, dict):
        raise RequestProblem(f"{where} must be an object, it is {json_type(given)}.")
    parameters = given.get("parameters")
    if isinstance(parameters, dict) and "binary_data_size" in parameters:
        raise RequestProblem(
            f"{where} comes as binary data, which isn't understood. Send JSON."
        )
    for field in ("name", "datatype", "shape", "data"):
        if field not in given:
            raise RequestProblem(
                f"{where} has no {field}. A tensor has name, shape, datatype and data."
            )
    datatype = given["datatype"]
    if datatype != BYTES and datatype not in NUMBERS:
        raise RequestProblem(
            f"{where} has datatype {show(datatype)}. Known are {', '.join([*NUMBERS, BYTES])}."
        )
    return InputTensor(
        name=str(given["name"]),
        datatype=datatype,
        shape=_parse_shape(where, given["shape"]),
        values=_flatten(given["data"]),
    )


def _parse_shape(where: str, shape: Any) -> tuple[int, ...]:
    if (
        isinstance(shape, list)
        and shape
        and all(type(n) is int and n >= 0 for n in shape)
    ):
        return tuple(shape)
    raise RequestProblem(
        f"{where} has shape {show(shape)}; it must be an array of lengths."
    )


def _flatten(data: Any) -> list[Any]:
    """The protocol allows tensors nested or flat."""
    if not isinstance(data, list):
        return [data]
    while data and isinstance(data[0], list):
        data = [
            value for row in data for value in (row if isinstance(row, list) else [row])
        ]
    return data


def _model_input(tensors: list[InputTensor], signature: Signature) -> Any:
    match signature:
        case Columns():
            return _table(tensors, signature)
        case Tensor():
            return _one(tensors).array().astype(signature.dtype)
    if len(tensors) == 1:
        return tensors[0].array()
    return pd.DataFrame({tensor.name: _column(tensor) for tensor in tensors})


def _one(tensors: list[InputTensor]) -> InputTensor:
    if len(tensors) == 1:
        return tensors[0]
    names = ", ".join(tensor.name for tensor in tensors)
    raise RequestProblem(
        f"The model takes one tensor; the request has {len(tensors)}: {names}."
    )


def _table(tensors: list[InputTensor], signature: Columns) -> pd.DataFrame:
    """A tensor per column; or one tensor of rows, when its name is no column's."""
    by_name = {tensor.name: tensor for tensor in tensors}
    names = {_column_name(column, "input-0"): column for column in signature.columns}
    if len(tensors) == 1 and not (by_name.keys() & names.keys()):
        return _table_of_rows(tensors[0], signature)
    table = {
        column.name: _typed(by_name[name], column)
        for name, column in names.items()
        if name in by_name
    }
    lengths = {
        by_name[name].name: len(table[column.name])
        for name, column in names.items()
        if column.name in table
    }
    if len(set(lengths.values())) > 1:
        raise RequestProblem(
            f"The inputs differ in their number of rows: {show(lengths)}."
        )
    extra = {name: None for name in by_name if name not in names}
    return pd.DataFrame(table | extra) if signature.named else pd.DataFrame(table)


def _table_of_rows(tensor: InputTensor, signature: Columns) -> pd.DataFrame:
    wanted = len(signature.columns)
    if len(tensor.shape) != 2 or tensor.shape[1] != wanted:
        raise RequestProblem(
            f"Input {tensor.name} is no column of the model, and not all {wanted} of them either: its shape "
            f"is {list(tensor.shape)}. Send one tensor per column, or one of shape [rows, {wanted}].",
            code=INVALID_PARAMETER_VALUE,
        )
    rows = tensor.array()
    return pd.DataFrame(
        {
            column.name: _typed(
                InputTensor(
                    tensor.name,
                    tensor.datatype,
                    (len(rows),),
                    rows[:, position].tolist(),
                ),
                column,
            )
            for position, column in enumerate(signature.columns)
        }
    )


def _typed(tensor: InputTensor, column: Column) -> Any:
    if tensor.datatype not in ACCEPTED[column.kind]:
        accepted = " or ".join(ACCEPTED[column.kind])
        raise RequestProblem(
            f"Column {column.name} must be {column.kind}: send {accepted}, not {tensor.datatype}.",
            code=INVALID_PARAMETER_VALUE,
        )
    values = _column(tensor)
    try:
        match column.kind:
            case Kind.STRING:
                return pd.Series(values.tolist())
            case Kind.BINARY:
                return pd.Series([base64.b64decode(text) for text in values])
            case Kind.DATETIME:
                return pd.to_datetime(pd.Series(values.tolist())).dt.as_unit("ns")
        return values.astype(NUMPY_TYPES[column.kind])
    except REFUSALS as error:
        raise unfit(column, str(error)) from None


def _column(tensor: InputTensor) -> np.ndarray[Any, Any]:
    array = tensor.array()
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
        return array.reshape(-1)
    raise RequestProblem(
        f"Input {tensor.name} is a column: its shape must be [rows] or [rows, 1], not {list(tensor.shape)}."
    )


def _outputs(predictions: Any, signature: Signature) -> list[dict[str, Any]]:
    """One tensor per output column; `output-0` when the model gives no name."""
    if isinstance(predictions, pd.DataFrame):
        named: Mapping[Any, Any] = {
            name: predictions[name] for name in predictions.columns
        }
    elif isinstance(predictions, dict):
        named = predictions
    else:
        named = {_output_name(signature): predictions}
    return [_encode(str(name), np.asarray(values)) for name, values in named.items()]


def _output_name(signature: Signature) -> str:
    match signature:
        case Columns() if len(signature.columns) == 1:
            return _column_name(signature.columns[0], "output-0")
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


def _choose(outputs: list[dict[str, Any]], requested: Any) -> list[dict[str, Any]]:
    """The outputs that the request names; all when it names none."""
    if not requested:
        return outputs
    known = {output["name"]: output for output in outputs}
    wanted = [
        str(item.get("name")) if isinstance(item, dict) else str(item)
        for item in requested
    ]
    for name in wanted:
        if name not in known:
            raise RequestProblem(
                f"There is no output {name}. The model gives {', '.join(known)}."
            )
    return [known[name] for name in wanted]
