"""The CustomResourceDefinitions of our kinds, as manifests."""

from __future__ import annotations

from typing import Any

from soloist.api.forms import VALIDATIONS, Form, Rule
from soloist.api.resources import CATEGORY, GROUP, VERSION, Column, ResourceKind
from soloist.api.schema import Schema, structural

# A name becomes the name of Services, which must not begin with a digit and know no dots.
_NAME = Form(
    "a name that can be given to Services: use lower-case letters, digits and '-', with a letter first",
    (r"^[a-z]([-a-z0-9]*[a-z0-9])?$",),
)
_NAME_PATH = ".metadata.name"


def name_rules(kind: ResourceKind) -> tuple[Rule, ...]:
    """What a name must be; it stands on the object's root, the only place from which CEL sees metadata."""
    why = f"characters, because {kind.name_reason}: choose a name of at most {kind.name_limit}"
    return (
        Rule(
            f"self{_NAME_PATH}.size() <= {kind.name_limit}",
            f"the name of a {kind.kind} may have at most {kind.name_limit} {why}",
            field=_NAME_PATH,
        ),
        _NAME.rule(f"self{_NAME_PATH}", _NAME_PATH),
    )


def build_crd(kind: ResourceKind) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": [kind.short] if kind.short != kind.singular else [],
                "categories": [CATEGORY],
            },
            "versions": [_version(kind)],
        },
    }


def _version(kind: ResourceKind) -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
        "selectableFields": [{"jsonPath": path} for path in kind.selectable],
        "schema": {"openAPIV3Schema": root(kind)},
    }


def root(kind: ResourceKind) -> Schema:
    """The schema of the whole object."""
    return {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        VALIDATIONS: [rule.validation() for rule in name_rules(kind)],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}"},
            "kind": {"type": "string", "description": kind.kind},
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "spec": structural(kind.spec),
            "status": structural(kind.status, defaults=False),
        },
    }


def _column(column: Column) -> dict[str, Any]:
    made: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return made | ({"priority": column.priority} if column.priority else {})
