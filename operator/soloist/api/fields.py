"""The scalar types that the specs share: each says once what Kubernetes accepts and how it reads."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

from soloist.api.forms import Form, Rule, with_rules

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"

# YAML reads `cpu: 1` as a number and `cpu: 500m` as text; both are meant.
_FROM_NUMBER = BeforeValidator(
    lambda value: (
        str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    )
)
_INT_OR_STRING = WithJsonSchema({"x-kubernetes-int-or-string": True, "maxLength": 20})
_AMOUNT = r"^[0-9]+(\.[0-9]+)?(k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"

Quantity = Annotated[
    str,
    _FROM_NUMBER,
    Field(max_length=20),
    _INT_OR_STRING,
    Form(
        "a quantity: write a number with a unit, such as 500m, 2 or 4Gi",
        (r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$",),
    ),
]
Cpu = Annotated[
    str,
    _FROM_NUMBER,
    Field(max_length=20),
    _INT_OR_STRING,
    Form(
        "an amount of CPU: write cores, such as 2 or '0.5', or thousandths of a core, such as 500m; at least 10m",
        (r"^([0-9]+(\.[0-9]+)?|[0-9]+m)$",),
        least="10m",
    ),
]
Memory = Annotated[
    str,
    _FROM_NUMBER,
    Field(max_length=20),
    _INT_OR_STRING,
    Form(
        "an amount of memory: write a number with a unit, such as 512Mi or 4Gi; at least 64Mi",
        (_AMOUNT,),
        least="64Mi",
    ),
]
Size = Annotated[
    str,
    _FROM_NUMBER,
    Field(max_length=20),
    _INT_OR_STRING,
    Form(
        "a size of a volume: write a number with a unit, such as 500Mi or 20Gi; at least 1Mi",
        (_AMOUNT,),
        least="1Mi",
    ),
]
Duration = Annotated[
    str,
    Field(max_length=20),
    Form(
        "a duration: write numbers with units, such as 250ms, 90s, 30m, 1h30m or 2d, more than nothing",
        (r"^([0-9]+(ms|s|m|h|d))+$", r"^.*[1-9].*$"),
    ),
]
Label = Annotated[
    str,
    Field(max_length=63),
    Form(
        "a name: use lower-case letters, digits and '-', with a letter or digit at both ends",
        (DNS_LABEL,),
    ),
]
ObjectName = Annotated[
    str,
    Field(max_length=253),
    Form(
        "the name of a Kubernetes object: use lower-case letters, digits, '-' and '.', with a letter or digit at"
        " both ends",
        (r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",),
    ),
]
EnvName = Annotated[
    str,
    Field(max_length=128),
    Form(
        "the name of an environment variable: use letters, digits and '_', and no digit first",
        (r"^[A-Za-z_][A-Za-z0-9_]{0,127}$",),
    ),
]
Image = Annotated[
    str,
    Field(max_length=1024),
    Form(
        "an image: write it as for a Pod, such as registry.example.com/team/train:1.2",
        (r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$",),
    ),
]
ModelName = Annotated[
    str,
    Field(max_length=200),
    # Also a folder's name in the pods that serve it, hence no '..'.
    Form(
        "a name for MLflow's registry: leave out '/' and ':', and don't begin with a dot or a space",
        (r"^[^/:.\s][^/:\r\n]*$",),
    ),
]


def _scalar(value: Any) -> Any:
    """A union's own error would list what is wrong with the value as each of its four members."""
    if isinstance(value, str | int | float):
        return value
    raise ValueError("write text, a number or true/false here, not a map, a list or nothing")


# Every scalar of YAML. No type of a structural schema says that; maps and lists are kept out by their size, and empty
# ones, like the names of parameters (CEL can't see into a map of these), by the operator.
Scalar = Annotated[
    str | int | float | bool,
    BeforeValidator(_scalar),
    WithJsonSchema(
        {
            "x-kubernetes-preserve-unknown-fields": True,
            "maxLength": 4096,
            "maxItems": 0,
            "maxProperties": 0,
        }
    ),
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
    # What the parts together must satisfy: the API server checks it.
    rules: ClassVar[tuple[Rule, ...]] = ()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        made = handler(schema)
        of_model = handler.resolve_ref_schema(made)
        of_model.update(with_rules(of_model, *cls.rules))
        return made

    def manifest(self) -> dict[str, Any]:
        """This part as users write it: camelCase, unset and null fields left out."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")
