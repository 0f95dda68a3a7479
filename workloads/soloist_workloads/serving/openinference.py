"""The Open Inference Protocol v2, in JSON and with binary tensors: tensors in, tensors out, around the same scorer."""

from __future__ import annotations

import base64
from typing import Any, Protocol, runtime_checkable

import orjson
import pandas as pd

from soloist_workloads.serving.accepted import ACCEPTED
from soloist_workloads.serving.binary import HEADER_NAME, Tail, split_body
from soloist_workloads.serving.enforce import unfit
from soloist_workloads.serving.numpy_types import NUMPY_TYPES
from soloist_workloads.serving.outputs import (
    OutputTensor,
    choose_outputs,
    name_outputs,
    tensor_name,
)
from soloist_workloads.serving.problem import (
    INVALID_PARAMETER_VALUE,
    REFUSALS,
    RequestProblem,
    show,
)
from soloist_workloads.serving.scorer import Reply, Scorer
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
    InputTensor,
    flatten_column,
    parse_tensor,
)

BINARY = "application/octet-stream"


@runtime_checkable
class Forwards(Protocol):
    """A scorer whose model is elsewhere: it takes the whole request, because tables don't travel."""

    def infer(self, body: bytes, *, model: str, version: str, header_length: str) -> Reply:
        """Answer one inference request."""


def infer(body: bytes, scorer: Scorer, *, model: str, version: str, header_length: str) -> Reply:
    """Answer one inference request; `header_length` is the header of the binary extension, or empty."""
    if isinstance(scorer, Forwards):
        return scorer.infer(body, model=model, version=version, header_length=header_length)
    text, tail = split_body(body, header_length)
    request = _parse(text)
    tensors = _parse_tensors(request["inputs"], tail)
    predictions = scorer.predict(_model_input(tensors, scorer.inputs))
    parameters = request.get("parameters")
    outputs = choose_outputs(
        name_outputs(predictions, scorer.outputs),
        request.get("outputs"),
        binary=isinstance(parameters, dict) and bool(parameters.get("binary_data_output")),
    )
    answer: dict[str, Any] = {"model_name": model, "model_version": version}
    if request.get("id") is not None:
        answer["id"] = request["id"]
    return _write(answer, outputs)


def _write(answer: dict[str, Any], outputs: list[tuple[OutputTensor, bool]]) -> Reply:
    """JSON alone where no output goes as bytes: then it needs no header, and any client reads it."""
    described: list[dict[str, Any]] = []
    raws: list[bytes] = []
    for output, as_bytes in outputs:
        if as_bytes:
            description, raw = output.as_binary()
            described.append(description)
            raws.append(raw)
            continue
        described.append(output.as_json())
    text = orjson.dumps({**answer, "outputs": described})
    if not any(as_bytes for _, as_bytes in outputs):
        return Reply(text)
    headers = ((HEADER_NAME, str(len(text)).encode()),)
    return Reply(b"".join((text, *raws)), content_type=BINARY, headers=headers)


def _parse_tensors(inputs: list[Any], tail: Tail) -> list[InputTensor]:
    tensors = [parse_tensor(position, given, tail) for position, given in enumerate(inputs)]
    tail.require_empty()
    seen: set[str] = set()
    for tensor in tensors:
        if tensor.name in seen:
            raise RequestProblem(f"Input {tensor.name} comes more than once.")
        seen.add(tensor.name)
    return tensors


def _parse(body: memoryview) -> dict[str, Any]:
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
            return _as_array(_one(tensors), signature)
        case Nothing() | Beyond() if len(tensors) == 1:
            return tensors[0].texts().copy()
        case Nothing() | Beyond():
            return pd.DataFrame({t.name: flatten_column(t, t.texts()).copy() for t in tensors})


def _as_array(tensor: InputTensor, signature: Tensor) -> Any:
    try:
        return tensor.texts().astype(signature.dtype)
    except REFUSALS as error:
        raise RequestProblem(
            f"Input {tensor.name} of {tensor.datatype} is no array of {signature.dtype}, which the model takes: "
            f"{error}."
        ) from None


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
                    rows[:, position],
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
    try:
        match column.kind:
            case Kind.STRING:
                return pd.Series(flatten_column(tensor, tensor.texts()).tolist())
            case Kind.BINARY:
                values = flatten_column(tensor, tensor.array())
                return pd.Series([_bytes(value) for value in values])
            case Kind.DATETIME:
                texts = flatten_column(tensor, tensor.texts())
                return pd.to_datetime(pd.Series(texts.tolist())).dt.as_unit("ns")
            case _:
                return flatten_column(tensor, tensor.array()).astype(NUMPY_TYPES[column.kind])
    except REFUSALS as error:
        raise unfit(column, str(error)) from None


def _bytes(value: Any) -> bytes:
    """Binary data are the bytes themselves; JSON says them in base64."""
    return value if isinstance(value, bytes) else base64.b64decode(value)
