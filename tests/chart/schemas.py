"""JSON schemas for kubeconform, from what the API server itself publishes.

The schemas that kubeconform usually downloads are made from the same OpenAPI documents; these also hold our own kinds, and are of
exactly the version that the tests run against.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cluster.apiserver import ControlPlane

# kubeconform fills this in for each object.
LOCATION = "{{ .ResourceKind }}{{ .KindSuffix }}.json"


def write_schemas(plane: ControlPlane, folder: Path, versions: set[str]) -> None:
    """One file for each kind that the API server knows in these versions (`apps/v1`)."""
    for version in versions:
        path = f"/openapi/v3/apis/{version}" if "/" in version else f"/openapi/v3/api/{version}"
        for name, schema in kinds(json.loads(plane.kubectl("get", "--raw", path))):
            (folder / name).write_text(json.dumps(schema))


def kinds(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """File name and schema of each kind; the document's other types come along, as the kinds refer to them."""
    types = document.get("components", {}).get("schemas", {})
    strict = {name: closed(schema) for name, schema in types.items()}
    for name, schema in types.items():
        for known in schema.get("x-kubernetes-group-version-kind", ()):
            group = known["group"].split(".")[0]
            parts = [known["kind"], *([group] if group else []), known["version"]]
            whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": strict}}
            yield "-".join(parts).lower() + ".json", whole


def closed(schema: Any) -> Any:
    """The schema that refuses fields it does not name: a typing error in a template is silence otherwise."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inside = {key: closed(value) for key, value in schema.items()}
    open_ended = (
        schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    )
    if (
        isinstance(schema.get("properties"), dict)
        and schema.get("type") == "object"
        and not open_ended
    ):
        inside["additionalProperties"] = False
    return inside
