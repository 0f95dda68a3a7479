"""Where an ONNX model keeps its large weights, read from the file without a library.

The names of those files are written by whoever wrote the model, and a runtime opens what it is told to. Only the
messages that can hold a tensor are walked (onnx.proto): model → graph → node → attribute → tensor, and back to graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from soloist_workloads.serving.problem import ModelProblem

LOCATION = b"location"

# message → number of the field → message of the field; of TensorProto, 13 is external_data.
MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
# Real models nest a handful of graphs; more would only be written to exhaust whoever reads.
DEEPEST = 60


class _Damaged(Exception):
    """The bytes are no such message."""


def read_external_locations(file: Path) -> list[str]:
    """Each file that the model's tensors point to, as it is written there."""
    try:
        return list(_walk(memoryview(file.read_bytes()), "model", 0))
    except (OSError, _Damaged, UnicodeDecodeError) as error:
        raise ModelProblem(f"{file} is not a readable ONNX file: {error}. Log it again.") from None


def _walk(message: memoryview, kind: str, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        raise _Damaged("its graphs nest too deeply")
    if kind == "entry":
        yield from _location(message)
        return
    within = MESSAGES[kind]
    for number, value in _fields(message):
        if number in within:
            yield from _walk(value, within[number], depth + 1)


def _location(entry: memoryview) -> Iterator[str]:
    """A repeated field's last value counts, as for protobuf's own readers."""
    fields = {number: bytes(value) for number, value in _fields(entry)}
    if fields.get(1) == LOCATION:
        yield fields.get(2, b"").decode()


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields that hold bytes; numbers are passed over."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        match tag & 7:
            case 0:
                _, at = _varint(message, at)
            case 1:
                at += 8
            case 5:
                at += 4
            case 2:
                length, at = _varint(message, at)
                if at + length > len(message):
                    raise _Damaged("it ends within a field")
                yield tag >> 3, message[at : at + length]
                at += length
            case other:
                raise _Damaged(f"a field has the unknown wire type {other}")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise _Damaged("it ends within a number")
