"""What the texts of quantities and durations amount to."""

from __future__ import annotations

import re
from datetime import timedelta

_SUFFIX = {
    "": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50,
}  # fmt: skip


def quantity_value(quantity: str) -> float:
    """The number a Kubernetes quantity stands for: `1500m` is 1.5, `2Gi` is 2147483648."""
    match = re.match(r"^([0-9]+(?:\.[0-9]+)?)([a-zA-Z]*)$", quantity)
    if match is None or (match[2] not in _SUFFIX and match[2] != "m"):
        raise ValueError(f"{quantity!r} is not a quantity such as 500m, 2 or 4Gi")
    number, suffix = float(match[1]), match[2]
    return number / 1000 if suffix == "m" else number * _SUFFIX[suffix]


_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi")
_DECIMAL = ("", "k", "M", "G", "T", "P")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def canonical_quantity(quantity: str) -> str:
    """The quantity as the API server writes it back (`1000m` is `1`, `0.5Gi` is `512Mi`).

    A manifest that spells it otherwise would differ from its live object for ever, and be applied at each reconcile.
    """
    value = quantity_value(quantity)
    if value != int(value):
        return f"{round(value * 1000)}m"
    binary = quantity.endswith("i")
    base, suffixes = (1024, _BINARY) if binary else (1000, _DECIMAL)
    number, steps = int(value), 0
    while number and number % base == 0 and steps < len(suffixes) - 1:
        number, steps = number // base, steps + 1
    return f"{number}{suffixes[steps]}"


def duration_value(text: str) -> timedelta:
    """The span a duration such as `1h30m` stands for."""
    parts = re.findall(r"([0-9]+)(ms|s|m|h|d)", text)
    return timedelta(seconds=sum(int(n) * _SECONDS[unit] for n, unit in parts))
