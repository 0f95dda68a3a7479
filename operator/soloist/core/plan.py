"""The plan: what differs between the wanted and the live children, as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from soloist.core.objects import KindRef, Manifest, ObjectRef, is_owned_by, reference_of


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply of a child that is ours."""

    ref: ObjectRef
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Create:
    """Create a child that must not exist yet: an object of that name that is not ours is never touched."""

    ref: ObjectRef
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete exactly this object: the UID is a precondition, so a successor of the same name is safe."""

    ref: ObjectRef
    uid: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """An object that we want has a name that somebody else's object already has."""

    ref: ObjectRef


Action = Apply | Create | Delete | Conflict


def covers(live: Any, wanted: Any) -> bool:
    """Whether every leaf of `wanted` is in `live`. Errs only towards False: a needless apply costs one idempotent call."""
    match wanted:
        case Mapping():
            return isinstance(live, Mapping) and all(
                key in live and covers(live[key], value) for key, value in wanted.items()
            )
        case str():
            return bool(live == wanted)
        case Sequence():
            return (
                isinstance(live, Sequence)
                and len(live) == len(wanted)
                and all(covers(one, other) for one, other in zip(live, wanted, strict=True))
            )
        case _:
            return bool(live == wanted)


def diff(
    wanted: Iterable[tuple[KindRef, Manifest]],
    live: Iterable[tuple[KindRef, Manifest]],
    owner_uid: str,
    strangers: Iterable[ObjectRef] = (),
) -> tuple[Action, ...]:
    """The plan that turns the live children of `owner_uid` into the wanted ones: wanted order first, then prunes.

    `live` holds objects found by our labels; one without our owner's UID is nobody's to delete. A live object
    that is already being deleted is left to finish.
    """
    have = {reference_of(manifest, kind): manifest for kind, manifest in live}
    taken = frozenset(strangers)
    keep: set[ObjectRef] = set()
    actions: list[Action] = []
    for kind, manifest in wanted:
        ref = reference_of(manifest, kind)
        keep.add(ref)
        actions.extend(_action(ref, manifest, have.get(ref), owner_uid, taken))
    actions.extend(
        Delete(ref, manifest["metadata"]["uid"])
        for ref, manifest in sorted(have.items(), key=lambda item: item[0])
        if ref not in keep
        and is_owned_by(manifest, owner_uid)
        and "deletionTimestamp" not in manifest["metadata"]
    )
    return tuple(actions)


def _action(
    ref: ObjectRef,
    manifest: Manifest,
    live: Manifest | None,
    owner_uid: str,
    strangers: frozenset[ObjectRef],
) -> tuple[Action, ...]:
    if ref in strangers:
        return (Conflict(ref),)
    if live is None:
        return (Create(ref, manifest),)
    if not is_owned_by(live, owner_uid):
        return (Conflict(ref),)
    if "deletionTimestamp" in live["metadata"] or covers(live, manifest):
        return ()
    return (Apply(ref, manifest),)
