"""From a pydantic model to the structural OpenAPI schema that a CustomResourceDefinition takes.

pydantic speaks JSON Schema 2020-12, Kubernetes a subset of OpenAPI 3.0 without references, unions or nulls. What is not
listed here passes through: bounds, enums, formats and every `x-kubernetes-` extension.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from soloist.api.fields import Model
from soloist.api.forms import KEY_FORM, VALIDATIONS

Schema = dict[str, Any]
_DROPPED = ("title", "examples", "$defs", "propertyNames", KEY_FORM)
_PRESERVE = "x-kubernetes-preserve-unknown-fields"


class NotStructural(ValueError):
    """A model that no structural schema can say."""


def structural(model: type[Model], *, defaults: bool = True) -> Schema:
    """The schema of a model. `defaults=False` for a status: what we never said must not look said."""
    raw = model.model_json_schema(by_alias=True)
    schema = _convert(raw, raw.get("$defs", {}), model.__name__)
    return schema if defaults else _without_defaults(schema)


def _convert(node: Mapping[str, Any], models: Mapping[str, Any], path: str) -> Schema:
    whole = _resolve(node, models, path)
    made = {key: value for key, value in whole.items() if key not in _DROPPED}
    if "description" in made:
        made["description"] = " ".join(made["description"].split())
    if made.get("default", "") in (None, "", [], {}):
        made.pop("default", None)
    if "const" in made:
        made["enum"] = [made.pop("const")]
    for bound, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if bound in made:
            made |= {inclusive: made[bound], bound: True}
    if "items" in made:
        made["items"] = _convert(made["items"], models, f"{path}[]")
    if "properties" in made:
        made.pop("additionalProperties", None)
        made["properties"] = {
            name: _property(name, child, made.get("required", ()), models, f"{path}.{name}")
            for name, child in whole["properties"].items()
        }
    elif isinstance(made.get("additionalProperties"), Mapping):
        made |= _map(whole, models, path)
    return made


def _resolve(node: Mapping[str, Any], models: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """The node without `$ref` and without "or null": an optional field is left out, not null."""
    if "anyOf" in node:
        chosen = [option for option in node["anyOf"] if option.get("type") != "null"]
        if len(chosen) != 1:
            raise NotStructural(f"{path}: Kubernetes has no unions; use one of several fields")
        rest = {key: value for key, value in node.items() if key != "anyOf"}
        return _resolve({**_resolve(chosen[0], models, path), **rest}, models, path)
    if "$ref" in node:
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return {**models[node["$ref"].removeprefix("#/$defs/")], **rest}
    return node


def _property(
    name: str,
    node: Mapping[str, Any],
    required: tuple[str, ...],
    models: Mapping[str, Any],
    path: str,
) -> Schema:
    """A field; one that is an object of its own, never absent, gets `{}`, so that the defaults inside it show."""
    made = _convert(node, models, path)
    is_always_there = "$ref" in node and name not in required and "default" not in node
    if is_always_there and not made.get("required") and _has_defaults(made):
        made["default"] = {}
    return made


def _map(whole: Mapping[str, Any], models: Mapping[str, Any], path: str) -> Schema:
    """What a map adds: its values' schema, and its keys' form as a rule of the map itself."""
    values = _convert(whole["additionalProperties"], models, f"{path}[*]")
    made: Schema = {"additionalProperties": values}
    key_rule = whole.get("propertyNames", {}).get(KEY_FORM)
    if key_rule and _PRESERVE not in values:  # CEL does not see into a map of untyped values
        made[VALIDATIONS] = [*whole.get(VALIDATIONS, ()), key_rule]
    return made


def _has_defaults(schema: Mapping[str, Any]) -> bool:
    return any("default" in child for child in schema.get("properties", {}).values())


def _without_defaults(schema: Schema) -> Schema:
    made = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in made:
        made["properties"] = {
            name: _without_defaults(child) for name, child in made["properties"].items()
        }
    for nested in ("items", "additionalProperties"):
        if nested in made:
            made[nested] = _without_defaults(made[nested])
    return made
