"""From pydantic's JSON Schema to what a CustomResourceDefinition takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field

from soloist.api.crd import build_crd, root
from soloist.api.fields import EnvName, Model, Quantity, Scalar
from soloist.api.forms import VALIDATIONS, Form, Rule
from soloist.api.resources import KINDS, ResourceKind
from soloist.api.schema import NotStructural, structural

EACH = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
FORBIDDEN = {
    "$ref", "$defs", "allOf", "anyOf", "oneOf", "const", "deprecated", "discriminator", "examples", "id",
    "nullable", "patternProperties", "prefixItems", "propertyNames", "title", "uniqueItems", "x-soloist-key-form",
}  # fmt: skip


class Part(Model):
    """A part
    over two lines."""

    rules: ClassVar = (Rule("self.a > 0", "a is too small: write more"),)

    a: int = Field(default=3, ge=0)
    """A number."""


class Whole(Model):
    """Everything at once."""

    part: Part = Field(default_factory=Part)
    """A part that is always there."""
    maybe: Part | None = None
    """A part that may be absent."""
    name: Annotated[str, Field(max_length=5), Form("a name: write letters", (r"^[a-z]+$",))]
    """Its name."""
    nothing: str = ""
    """Empty unless said."""
    choice: Literal["A", "B"] = "A"
    """One of two."""
    fixed: Literal["x"] = "x"
    """Always the same."""
    share: float = Field(default=0.5, gt=0, lt=1)
    """Between, without the ends."""
    amount: Quantity = "1"
    """How much."""
    texts: dict[EnvName, str] = Field(default_factory=dict, max_length=4)
    """Texts by name."""
    params: dict[EnvName, Scalar] = Field(default_factory=dict, max_length=4)
    """Scalars by name."""
    parts: list[Part] = Field(default_factory=list, max_length=2)
    """Several."""


class Loose(Model):
    """A union."""

    either: int | list[int]
    """This or that."""


WHOLE = structural(Whole)
FIELDS = WHOLE["properties"]


def nodes(schema: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema inside a schema; a field may be called `title`, a keyword may not."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", "[*]")):
        if key in schema:
            yield from nodes(schema[key], f"{path}{mark}")


def test_docstrings_become_descriptions_on_one_line() -> None:
    assert WHOLE["description"] == "Everything at once."
    assert FIELDS["parts"]["items"]["description"] == "A part over two lines."


def test_a_fields_own_words_win_over_those_of_its_model() -> None:
    assert FIELDS["maybe"]["description"] == "A part that may be absent."


def test_only_what_has_no_default_is_required() -> None:
    assert WHOLE["required"] == ["name"]


def test_an_object_that_is_always_there_shows_the_defaults_inside_it() -> None:
    assert FIELDS["part"]["default"] == {}
    assert FIELDS["part"]["properties"]["a"]["default"] == 3


def test_an_object_that_may_be_absent_stays_absent() -> None:
    assert "default" not in FIELDS["maybe"]


def test_a_default_that_says_nothing_is_left_out() -> None:
    assert "default" not in FIELDS["nothing"]
    assert "default" not in FIELDS["parts"]


def test_a_status_has_no_defaults() -> None:
    schema = structural(Whole, defaults=False)
    assert [path for path, node in nodes(schema) if "default" in node] == []


def test_exclusive_bounds_are_written_as_openapi_wants_them() -> None:
    share = FIELDS["share"]
    assert (share["minimum"], share["exclusiveMinimum"]) == (0, True)
    assert (share["maximum"], share["exclusiveMaximum"]) == (1, True)


def test_a_constant_is_an_enum_of_one() -> None:
    assert FIELDS["fixed"]["enum"] == ["x"]


def test_choices_are_an_enum() -> None:
    assert FIELDS["choice"]["enum"] == ["A", "B"]


def test_a_quantity_is_an_integer_or_a_string_and_nothing_else_is_said_of_its_type() -> None:
    assert FIELDS["amount"]["x-kubernetes-int-or-string"] is True
    assert "type" not in FIELDS["amount"]


def test_a_form_is_a_rule_with_words_instead_of_a_pattern() -> None:
    assert "pattern" not in FIELDS["name"]
    assert FIELDS["name"][VALIDATIONS] == [
        {
            "rule": "self.matches(r'^[a-z]+$')",
            "message": "this is not a name: write letters",
            "messageExpression": "\"'%s' is not a name: write letters\".format([self])",
        }
    ]


def test_the_form_of_a_maps_keys_is_a_rule_of_the_map() -> None:
    (rule,) = FIELDS["texts"][VALIDATIONS]
    assert rule["rule"].startswith("self.all(key, key.matches(")


def test_a_map_of_untyped_values_has_no_rule_since_cel_cannot_see_into_it() -> None:
    assert VALIDATIONS not in FIELDS["params"]


def test_the_rules_of_a_model_stand_wherever_it_is_used() -> None:
    wanted = [{"rule": "self.a > 0", "message": "a is too small: write more"}]
    places = (FIELDS["part"], FIELDS["maybe"], FIELDS["parts"]["items"])
    assert [place[VALIDATIONS] for place in places] == [wanted] * 3


def test_a_union_is_refused_with_the_place_where_it_stands() -> None:
    with pytest.raises(NotStructural, match=r"Loose\.either: Kubernetes has no unions"):
        structural(Loose)


@EACH
def test_no_kind_uses_what_a_structural_schema_forbids(kind: ResourceKind) -> None:
    found = {path: sorted(FORBIDDEN & set(node)) for path, node in nodes(root(kind))}
    assert {path: words for path, words in found.items() if words} == {}


@EACH
def test_every_field_of_a_kind_is_described(kind: ResourceKind) -> None:
    for part in ("spec", "status"):
        silent = [
            path
            for path, node in nodes(root(kind)["properties"][part])
            if not path.endswith(("[]", "[*]")) and not node.get("description")
        ]
        assert silent == []


@EACH
def test_everything_in_a_spec_has_a_bound_so_that_rules_have_a_cost(kind: ResourceKind) -> None:
    bounds = {"string": "maxLength", "array": "maxItems"}
    free = [
        path
        for path, node in nodes(root(kind)["properties"]["spec"])
        if ("enum" not in node and bounds.get(node.get("type", ""), "type") not in node)
        or ("additionalProperties" in node and "maxProperties" not in node)
    ]
    untyped = [path for path, node in nodes(root(kind)["properties"]["spec"]) if "type" not in node]
    assert [path for path in free if path not in untyped] == []


@EACH
def test_conditions_are_merged_by_type(kind: ResourceKind) -> None:
    conditions = root(kind)["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


@EACH
def test_every_printed_column_and_selectable_field_exists(kind: ResourceKind) -> None:
    known = {path for path, _ in nodes(root(kind))}
    plain = [column.path for column in kind.columns if not column.path.startswith(".metadata")]
    paths = [*(path for path in plain if "[" not in path), *kind.selectable]
    assert [path for path in paths if path not in known] == []


@EACH
def test_a_crd_is_named_after_its_plural(kind: ResourceKind) -> None:
    crd = build_crd(kind)
    assert crd["metadata"]["name"] == f"{kind.plural}.soloist.dev"
    assert crd["spec"]["names"]["categories"] == ["soloist"]


def test_a_short_name_that_is_the_singular_is_not_said_twice() -> None:
    names = {kind.kind: build_crd(kind)["spec"]["names"]["shortNames"] for kind in KINDS}
    assert names == {"Project": ["proj"], "Pipeline": ["pl"], "Run": [], "ModelEndpoint": ["mep"]}
