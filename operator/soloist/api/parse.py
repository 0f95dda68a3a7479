"""From a raw body to a typed resource, or to the one sentence that says why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from soloist.api.conditions import parse_time
from soloist.api.fields import Model

SpecT = TypeVar("SpecT", bound=Model)
StatusT = TypeVar("StatusT", bound=Model)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of an object's metadata that decisions look at."""

    name: str
    namespace: str
    uid: str
    generation: int = 1
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    created: datetime | None = None
    deleted: datetime | None = None
    owner_uids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource(Generic[SpecT, StatusT]):
    """One of our objects: what the user wants and what we last said of it."""

    kind: str
    metadata: Metadata
    spec: SpecT
    status: StatusT

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace


@dataclass(frozen=True, slots=True)
class Invalid:
    """A body that no model accepts. `message` names the field and what is wrong with it."""

    kind: str
    metadata: Metadata
    message: str


def parse_metadata(body: Mapping[str, Any]) -> Metadata:
    """The metadata of any live object."""
    meta = body["metadata"]
    created, deleted = meta.get("creationTimestamp"), meta.get("deletionTimestamp")
    return Metadata(
        name=meta["name"],
        namespace=meta.get("namespace", ""),
        uid=meta.get("uid", ""),
        generation=meta.get("generation", 1),
        labels=meta.get("labels") or {},
        annotations=meta.get("annotations") or {},
        finalizers=tuple(meta.get("finalizers") or ()),
        created=parse_time(created) if created else None,
        deleted=parse_time(deleted) if deleted else None,
        owner_uids=tuple(ref["uid"] for ref in meta.get("ownerReferences") or ()),
    )


def parse(
    body: Mapping[str, Any], spec: type[SpecT], status: type[StatusT]
) -> Resource[SpecT, StatusT] | Invalid:
    """The typed resource in `body`.

    A status that does not parse counts as empty: it is ours, written anew by the next reconcile (after a
    downgrade of the operator, say), and must never keep a valid spec from being acted on.
    """
    metadata = parse_metadata(body)
    try:
        parsed = spec.model_validate(body.get("spec") or {})
    except ValidationError as error:
        return Invalid(body["kind"], metadata, _sentence(error))
    try:
        said = status.model_validate(body.get("status") or {})
    except ValidationError:
        said = status()
    return Resource(body["kind"], metadata, parsed, said)


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    path = "spec" + "".join(_step(part) for part in first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{path}: {what}{more}. Correct the field and apply again."


def _step(part: int | str) -> str:
    """One step of a path, as the API server writes it; pydantic's mark of a map's key is not a field."""
    if isinstance(part, int):
        return f"[{part}]"
    return "" if part == "[key]" else f".{part}"
