"""The Open Inference Protocol v2 in JSON: tensors in, tensors out, around the same scorer."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pandas as pd

from soloist_workloads.serving.enforce import NUMPY_TYPES, unfit
from soloist_workloads.serving.outputs import (
    choose_outputs,
    encode_outputs,
    tensor_name,
)
from soloist_workloads.serving.problem import (
    INVALID_PARAMETER_VALUE,
    REFUSALS,
    RequestProblem,
    show,
)
from soloist_workloads.serving.scorer import Scorer
from soloist_workloads.serving.signature import (
    Beyond,
    Column,
    Columns,
    Kind,
    Nothing,
    Signature,
    Tensor,
)
from soloist_workloads.serving.tensors import (
    BYTES,
    InputTensor,
    flatten_column,
    parse_tensor,
)

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


def infer(body: bytes, scorer: Scorer, *, model: str, version: str) -> bytes:
    """Answer one inference request."""
    request = _parse(body)
    tensors = [parse_tensor(position, given) for position, given in enumerate(request["inputs"])]
    predictions = scorer.predict(_model_input(tensors, scorer.inputs))
    outputs = choose_outputs(encode_outputs(predictions, scorer.outputs), request.get("outputs"))
    answer: dict[str, Any] = {"model_name": model, "model_version": version}
    if request.get("id") is not None:
        answer["id"] = request["id"]
    return orjson.dumps({**answer, "outputs": outputs})


def _parse(body: bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(body)
    except ValueError as error:
        raise RequestProblem(f"The body is not JSON: {error}.") from None
    if not isinstance(request, dict) or not isinstance(request.get("inputs"), list):
        raise RequestProblem('The body must be a JSON object with an array "inputs" of tensors.')
    if not request["inputs"]:
        raise RequestProblem('"inputs" is empty. Send one tensor per column, or one for all.')
    return request


def _model_input(tensors: list[InputTensor], signature: Signature) -> Any:
    match signature:
        case Columns():
            return _table(tensors, signature)
        case Tensor():
            return _one(tensors).array().astype(signature.dtype)
        case Nothing() | Beyond() if len(tensors) == 1:
            return tensors[0].array()
        case Nothing() | Beyond():
            return pd.DataFrame({tensor.name: flatten_column(tensor) for tensor in tensors})


def _one(tensors: list[InputTensor]) -> InputTensor:
    if len(tensors) == 1:
        return tensors[0]
    names = ", ".join(tensor.name for tensor in tensors)
    raise RequestProblem(f"The model takes one tensor; the request has {len(tensors)}: {names}.")


def _table(tensors: list[InputTensor], signature: Columns) -> pd.DataFrame:
    """A tensor per column; or one tensor of rows, when its name is no column's."""
    by_name = {tensor.name: tensor for tensor in tensors}
    names = {tensor_name(column, "input-0"): column for column in signature.columns}
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
        raise RequestProblem(f"The inputs differ in their number of rows: {show(lengths)}.")
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
    values = flatten_column(tensor)
    try:
        match column.kind:
            case Kind.STRING:
                return pd.Series(values.tolist())
            case Kind.BINARY:
                return pd.Series([base64.b64decode(text) for text in values])
            case Kind.DATETIME:
                return pd.to_datetime(pd.Series(values.tolist())).dt.as_unit("ns")
            case _:
                return values.astype(NUMPY_TYPES[column.kind])
    except REFUSALS as error:
        raise unfit(column, str(error)) from None
