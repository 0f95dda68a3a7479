"""ONNX files written by hand, as far as their weights' place goes: the runtime has no library that writes them."""

from __future__ import annotations


def field(number: int, value: bytes) -> bytes:
    assert len(value) < 128
    return bytes([*_varint(number << 3 | 2), len(value)]) + value


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 0x7F | 0x80, value >> 7])


def tensor(location: str, *, value_first: bool = False) -> bytes:
    key, value = field(1, b"location"), field(2, location.encode())
    return field(8, b"w") + field(13, value + key if value_first else key + value)


def model_with_weights_in(location: str) -> bytes:
    graph = field(2, b"g") + field(5, tensor(location))
    return bytes([8, 8]) + field(7, graph)


def model_with_weights_deep_in(location: str) -> bytes:
    """A tensor in a constant, within the branch of an `If`, within a function."""
    constant = field(1, field(5, field(1, b"value") + field(5, tensor(location, value_first=True))))
    branch = field(5, field(1, b"then_branch") + field(6, constant))
    return bytes([8, 8]) + field(25, field(7, branch))
