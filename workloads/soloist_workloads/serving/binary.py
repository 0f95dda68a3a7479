"""The binary tensor extension of the Open Inference Protocol: the bytes that follow a request's or an answer's JSON.

The header `Inference-Header-Content-Length` says where the JSON ends; each tensor in it says how many of the bytes
after it are its own, in the order of the tensors. Numbers are little-endian and row-major, texts have their length
before them, in four bytes.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from soloist_workloads.serving.problem import RequestProblem, show

HEADER = "Inference-Header-Content-Length"
HEADER_NAME = HEADER.lower().encode()
LENGTH = struct.Struct("<I")


@dataclass(slots=True)
class Tail:
    """What follows the JSON, handed out tensor by tensor."""

    rest: memoryview
    is_announced: bool
    taken: int = 0

    def take(self, name: str, size: Any) -> memoryview:
        if not self.is_announced:
            raise RequestProblem(
                f"Input {name} comes as binary data, but the request has no {HEADER} header, which says where the "
                "JSON ends."
            )
        if type(size) is not int or size < 0:
            raise RequestProblem(
                f"Input {name} has binary_data_size {show(size)}; it must be a number of bytes."
            )
        left = len(self.rest) - self.taken
        if size > left:
            raise RequestProblem(
                f"Input {name} announces {size} bytes of binary data, but only {left} of the {len(self.rest)} bytes "
                "after the JSON are left."
            )
        self.taken += size
        return self.rest[self.taken - size : self.taken]

    def require_empty(self) -> None:
        if self.taken != len(self.rest):
            raise RequestProblem(
                f"The request has {len(self.rest)} bytes after its JSON, but its inputs announce {self.taken}. Give "
                "each binary input its binary_data_size."
            )


def split_body(body: bytes, header_length: str) -> tuple[memoryview, Tail]:
    """The JSON, and what follows it; all of the body is JSON without the header."""
    whole = memoryview(body)
    if not header_length:
        return whole, Tail(whole[:0], is_announced=False)
    length = int(header_length) if header_length.isascii() and header_length.isdigit() else -1
    if not 0 < length <= len(whole):
        raise RequestProblem(
            f"{HEADER} is {show(header_length)}; it must be the length of the JSON, at most the body's "
            f"{len(whole)} bytes."
        )
    return whole[:length], Tail(whole[length:], is_announced=True)


def decode_numbers(
    name: str, datatype: str, dtype: np.dtype[Any], shape: tuple[int, ...], raw: memoryview
) -> np.ndarray[Any, Any]:
    """A view of the request's own bytes, not to be written to."""
    wanted = math.prod(shape) * dtype.itemsize
    if len(raw) != wanted:
        raise RequestProblem(
            f"Input {name} has {len(raw)} bytes of binary data; {datatype} of shape {list(shape)} takes {wanted}."
        )
    return np.frombuffer(raw, dtype.newbyteorder("<"))


def decode_bytes(name: str, shape: tuple[int, ...], raw: memoryview) -> np.ndarray[Any, Any]:
    elements: list[bytes] = []
    at = 0
    while at < len(raw):
        if len(raw) - at < LENGTH.size:
            raise RequestProblem(
                f"Input {name} ends with {len(raw) - at} of the 4 bytes of a length, after {len(elements)} elements."
            )
        (length,) = LENGTH.unpack_from(raw, at)
        at += LENGTH.size
        if length > len(raw) - at:
            raise RequestProblem(
                f"Input {name}: element {len(elements)} announces {length} bytes, but {len(raw) - at} are left."
            )
        elements.append(bytes(raw[at : at + length]))
        at += length
    if len(elements) != math.prod(shape):
        raise RequestProblem(
            f"Input {name} has {len(elements)} elements in its {len(raw)} bytes; shape {list(shape)} needs "
            f"{math.prod(shape)}."
        )
    array = np.empty(len(elements), object)
    array[:] = elements
    return array


def encode_numbers(array: np.ndarray[Any, Any]) -> bytes:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()


def encode_bytes(elements: list[bytes]) -> bytes:
    return b"".join(LENGTH.pack(len(element)) + element for element in elements)
