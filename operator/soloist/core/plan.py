"""The plan: what differs between the wanted and the live children, as values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from soloist.api.amounts import quantity_value
from soloist.core.objects import KindRef, Manifest, ObjectRef, is_owned_by, reference_of
from soloist.core.owned import owns_more

_QUANTITIES = frozenset({"requests", "limits", "hard", "capacity"})
OWN_GROUP = "soloist.dev/"
_MERGED_BY_OTHERS = frozenset({"ownerReferences", "finalizers"})


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply of this very child: the UID keeps an update from making a successor of a deleted object."""

    ref: ObjectRef
    manifest: Manifest
    uid: str
    beyond: tuple[str, ...] = ()
    """JSON pointers to what a stranger added: an apply alone would leave it."""


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
    """Whether every leaf of `wanted` is in `live`. Errs only towards False: a needless apply costs one idempotent call.

    A selector is taken as a whole: with a label more, that somebody added, it selects nothing.

    Two spellings that the API server itself changes count as equal, or an unchanged object would be applied for
    ever: quantities (`1024Mi` comes back as `1Gi`), and an empty text or list, which comes back as nothing.
    """
    match wanted:
        case Mapping():
            return isinstance(live, Mapping) and all(
                _field_covers(key, live.get(key), value) for key, value in wanted.items()
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


def _field_covers(key: str, live: Any, wanted: Any) -> bool:
    if live is None:
        return wanted is None or wanted in ("", [], ())
    if key == "selector":
        return bool(live == wanted)
    if key in _QUANTITIES and isinstance(wanted, Mapping) and isinstance(live, Mapping):
        return all(_same_quantity(live.get(name), value) for name, value in wanted.items())
    if key in _MERGED_BY_OTHERS:
        return all(any(covers(one, item) for one in live) for item in wanted)
    return covers(live, wanted)


def _same_quantity(live: Any, wanted: Any) -> bool:
    if str(live) == str(wanted):
        return True
    one, other = _quantity(live), _quantity(wanted)
    return one is not None and one == other


def _quantity(value: Any) -> float | None:
    try:
        return quantity_value(str(value))
    except ValueError:
        return None


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
    if "deletionTimestamp" in live["metadata"] or is_settled(live, manifest):
        return ()
    return (Apply(ref, manifest, live["metadata"]["uid"], beyond(live, wanted=manifest)),)


def is_settled(live: Manifest, wanted: Manifest) -> bool:
    """Whether an apply of `wanted` would change nothing: all of it is there, and nothing beyond it that is not to be."""
    return covers(live, wanted) and not owns_more(live, wanted) and not beyond(live, wanted)


def beyond(live: Manifest, wanted: Manifest) -> tuple[str, ...]:
    """What the spec of a child of our own kind holds and we did not ask for: a schedule, say, that somebody added.

    Of our own kinds only, whose specs are wholly ours to say; into a Deployment or a Pod others write by right.
    """
    if not str(wanted.get("apiVersion", "")).startswith(OWN_GROUP):
        return ()
    return tuple(_beyond(live.get("spec"), wanted.get("spec"), "/spec"))


def _beyond(live: Any, wanted: Any, path: str) -> Iterator[str]:
    match live, wanted:
        case Mapping(), Mapping():
            for key, value in live.items():
                place = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
                if key in wanted:
                    yield from _beyond(value, wanted[key], place)
                elif value not in ("", [], {}, None):
                    yield place
        case list(), Sequence() if len(live) == len(wanted):
            for index, (one, other) in enumerate(zip(live, wanted, strict=True)):
                yield from _beyond(one, other, f"{path}/{index}")
