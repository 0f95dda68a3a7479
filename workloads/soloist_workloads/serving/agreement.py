"""Whether two answers say the same, and how far apart their numbers are."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

RELATIVE, ABSOLUTE = 0.01, 1e-6


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two answers to one request, side by side."""

    agrees: bool
    distance: float
    """Mean absolute difference of the numbers that both gave; 0 where there are none."""


class _OtherShape(Exception):
    """They can't be laid side by side."""


def compare(answer: bytes, champions: bytes) -> Agreement | None:
    """The two answers of one protocol; None where one of them can't be read."""
    try:
        mine, theirs = _said(answer), _said(champions)
    except (ValueError, RecursionError):
        return None
    try:
        pairs = list(_pairs(mine, theirs))
    except (_OtherShape, RecursionError):
        return Agreement(agrees=False, distance=0.0)
    gaps = [gap for one, other in pairs if (gap := _gap(one, other)) is not None]
    distance = math.fsum(gap / len(gaps) for gap in gaps)
    return Agreement(all(_is_same(one, other) for one, other in pairs), distance)


def _said(answer: bytes) -> Any:
    """What the model said, without who it is. `json` reads the NaN of MLflow's answers, `orjson` does not."""
    told = json.loads(answer)
    if isinstance(told, dict) and "predictions" in told:
        return told["predictions"]
    if isinstance(told, dict) and isinstance(told.get("outputs"), list):
        return [_said_by(tensor) for tensor in told["outputs"]]
    return told


def _said_by(tensor: Any) -> Any:
    """A tensor without how it is stored; its shape as one word, for its lengths are no numbers of the answer."""
    if not isinstance(tensor, dict):
        return tensor
    return {
        "name": tensor.get("name"),
        "shape": str(tensor.get("shape")),
        "data": tensor.get("data"),
    }


def _pairs(mine: Any, theirs: Any) -> Iterator[tuple[Any, Any]]:
    """What stands at the same place."""
    if isinstance(mine, list) and isinstance(theirs, list):
        if len(mine) != len(theirs):
            raise _OtherShape
        for one, other in zip(mine, theirs, strict=True):
            yield from _pairs(one, other)
    elif isinstance(mine, dict) and isinstance(theirs, dict):
        if mine.keys() != theirs.keys():
            raise _OtherShape
        for key, one in mine.items():
            yield from _pairs(one, theirs[key])
    elif isinstance(mine, list | dict) or isinstance(theirs, list | dict):
        raise _OtherShape
    else:
        yield mine, theirs


def _is_same(mine: Any, theirs: Any) -> bool:
    if not (_is_number(mine) and _is_number(theirs)):
        return type(mine) is type(theirs) and bool(mine == theirs)
    if isinstance(mine, int) and isinstance(theirs, int):
        return mine == theirs  # a class, a count: no number of them is nearly the same
    if math.isnan(mine) or math.isnan(theirs):
        return math.isnan(mine) and math.isnan(theirs)
    if math.isinf(mine) or math.isinf(theirs):
        return bool(mine == theirs)
    return bool(abs(mine - theirs) <= max(RELATIVE * abs(theirs), ABSOLUTE))


def _gap(mine: Any, theirs: Any) -> float | None:
    if not (_is_number(mine) and _is_number(theirs)):
        return None
    try:
        gap = abs(float(mine) - float(theirs))
    except OverflowError:
        return None
    return gap if math.isfinite(gap) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
