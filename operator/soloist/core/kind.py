"""A kind as the loop sees it: the five pure files bound together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from soloist.api.fields import Model
from soloist.api.parse import Resource
from soloist.api.platform import Platform
from soloist.api.resources import ResourceKind
from soloist.core.effects import Effect, Read
from soloist.core.objects import KindRef, Manifest
from soloist.core.outcome import Outcome
from soloist.core.seen import Seen

FactsT = TypeVar("FactsT")


@dataclass(frozen=True, slots=True)
class Desired:
    """What should be: children in the order of their creation, then effects outside the cluster, in order.

    `keep_finalizer` holds the object until something outside the cluster is cleaned up.
    """

    children: tuple[tuple[KindRef, Manifest], ...] = ()
    effects: tuple[Effect, ...] = ()
    keep_finalizer: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What to say of an object, and when to look again if nothing happens before."""

    status: Model
    outcome: Outcome
    doors: tuple[str, ...] = ()
    """Addresses of pages that say when somebody calls: anything but nothing or `0` brings the next look at once."""
    memory: object = None
    """What the next reconcile may want to know and may do without (see `core.effects.Recall`)."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[FactsT]):
    """One kind. Every function is pure; `Resource[Any, Any]` because a spec's type is the kind's own affair."""

    resource: ResourceKind
    ref: KindRef
    children: tuple[KindRef, ...]
    """Kinds of owned objects: listed, watched, pruned."""
    needs: Callable[[Resource[Any, Any], Platform], tuple[Read, ...]]
    assemble: Callable[[Resource[Any, Any], Platform, Seen], FactsT]
    desire: Callable[[Resource[Any, Any], FactsT, Platform], Desired]
    summarize: Callable[[Resource[Any, Any], FactsT, Platform, tuple[Outcome, ...]], Summary]
    watched: tuple[KindRef, ...] = ()
    """Further kinds whose labelled objects (see `core.objects.OWNER_NAME`) wake us: Pods of our children."""
    apart: tuple[KindRef, ...] = ()
    """Children that nothing else stands on: one of these that can't be written stops nothing else."""
    wakes: tuple[str, ...] = ()
    """Our kinds to wake in the same namespace when this object's status changed: a Run that registered a model wakes
    the ModelEndpoints, which otherwise look at the registry only every few seconds."""
    resync: timedelta = timedelta(minutes=10)
