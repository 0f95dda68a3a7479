"""Any valid spec parses, serialises back to the same, and satisfies the schema that the API server checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import given, settings

from soloist.api.crd import root
from soloist.api.parse import Resource, parse
from soloist.api.resources import ResourceKind
from tests.support.any_spec import any_manifest

Drawn = tuple[ResourceKind, dict[str, Any]]


def parsed(kind: ResourceKind, body: Mapping[str, Any]) -> Resource[Any, Any]:
    resource = parse(body, kind.spec, kind.status)
    assert isinstance(resource, Resource), resource.message
    return resource


def unknown(value: Any, schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Paths of `value` that the schema does not know, or whose type it refuses."""
    if isinstance(value, dict):
        known = schema.get("properties", {})
        others = schema.get("additionalProperties")
        for name, child in value.items():
            below = known.get(name, others)
            if below is None:
                yield f"{path}.{name}"
            else:
                yield from unknown(child, below, f"{path}.{name}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from unknown(child, schema["items"], f"{path}[{index}]")
    elif not is_taken(value, schema):
        yield path


def is_taken(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a scalar is of the schema's type."""
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return True
    if schema.get("x-kubernetes-int-or-string"):
        return isinstance(value, int | str)
    types = {"string": str, "integer": int, "boolean": bool}
    return isinstance(value, types[schema["type"]])


@given(any_manifest())
@settings(max_examples=200, deadline=None)
def test_any_valid_spec_parses_and_serialises_back(drawn: Drawn) -> None:
    kind, body = drawn
    spec = parsed(kind, body).spec
    again = parsed(kind, {**body, "spec": spec.manifest()}).spec
    assert again == spec
    assert again.manifest() == spec.manifest()


@given(any_manifest())
@settings(max_examples=200, deadline=None)
def test_what_is_serialised_is_known_to_the_schema(drawn: Drawn) -> None:
    kind, body = drawn
    whole = {"spec": parsed(kind, body).spec.manifest()}
    assert list(unknown(whole, root(kind))) == []
    assert list(unknown({"spec": body["spec"]}, root(kind))) == []


@given(any_manifest())
@settings(max_examples=50, deadline=None)
def test_the_empty_status_is_known_to_the_schema(drawn: Drawn) -> None:
    kind, _ = drawn
    assert list(unknown({"status": kind.status().manifest()}, root(kind))) == []
