"""The scalar types that the specs share: each says once what Kubernetes accepts and how it reads."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"
DURATION = r"^([0-9]+(ms|s|m|h|d))+$"
DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"

_SUFFIX = {
    "": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50,
}  # fmt: skip
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi")
_DECIMAL = ("", "k", "M", "G", "T", "P")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def quantity_value(quantity: str) -> float:
    """The number a Kubernetes quantity stands for: `1500m` is 1.5, `2Gi` is 2147483648."""
    match = re.match(r"^([0-9]+(?:\.[0-9]+)?)([a-zA-Z]*)$", quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is not a quantity such as 500m, 2 or 4Gi")
    number, suffix = float(match[1]), match[2]
    return number / 1000 if suffix == "m" else number * _SUFFIX[suffix]


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


# YAML reads `cpu: 1` as a number and `cpu: 500m` as text; both are meant.
Quantity = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value),
    Field(pattern=QUANTITY, max_length=20),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "pattern": QUANTITY,
            "maxLength": 20,
        }
    ),
]
Duration = Annotated[str, Field(pattern=DURATION, max_length=20)]
Label = Annotated[str, Field(pattern=DNS_LABEL, min_length=1, max_length=63)]
ObjectName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", min_length=1, max_length=253),
]
EnvName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
Scalar = Annotated[
    str | int | float | bool, WithJsonSchema({"x-kubernetes-preserve-unknown-fields": True})
]
Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]


class Model(BaseModel):
    """Base of every part of a spec or status: camelCase outside, documented fields, never changed in place."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
        frozen=True,
        extra="ignore",
    )
    # (CEL rule, what is wrong and what to do): they become x-kubernetes-validations of this object.
    rules: ClassVar[tuple[tuple[str, str], ...]] = ()

    def manifest(self) -> dict[str, Any]:
        """This part as users write it: camelCase, unset and null fields left out."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")
