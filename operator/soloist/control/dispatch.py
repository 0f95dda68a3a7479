"""From a key to its kind's reconcile, and from its result to those who wait for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from soloist.api.conditions import Reason
from soloist.api.platform import Platform
from soloist.control.ports import Cluster, ClusterError, KindMissing, NotLeading, Ports
from soloist.control.queue import Queue
from soloist.control.reconcile import Result, reconcile
from soloist.control.report import INTERNAL_ERROR
from soloist.core.kind import Kind
from soloist.core.objects import Key
from soloist.core.outcome import Done, Failed, Outcome

log = logging.getLogger(__name__)


class Roster:
    """The names of our objects that exist, as far as events and listings told."""

    def __init__(self) -> None:
        self._keys: dict[str, set[Key]] = {}

    def enter(self, key: Key) -> None:
        self._keys.setdefault(key.kind, set()).add(key)

    def leave(self, key: Key) -> None:
        self._keys.get(key.kind, set()).discard(key)

    def replace(self, kind: str, keys: Iterable[Key]) -> frozenset[Key]:
        """These are all that there are; the ones that have gone unnoticed are returned."""
        before, now = self._keys.get(kind, set()), set(keys)
        self._keys[kind] = now
        return frozenset(before - now)

    def inside(self, kind: str, namespace: str) -> tuple[Key, ...]:
        """The objects of a kind in a namespace."""
        return tuple(sorted(k for k in self._keys.get(kind, ()) if k.namespace == namespace))


class Dispatch:
    """What the queue's workers do with a key."""

    def __init__(
        self, kinds: Mapping[str, Kind[Any]], platform: Platform, ports: Ports, roster: Roster
    ) -> None:
        self._kinds = kinds
        self._platform = platform
        self._ports = ports
        self._roster = roster
        self.wake: Callable[[Key], None] = lambda key: None

    async def __call__(self, key: Key) -> Outcome:
        kind = self._kinds[key.kind]
        clock, start = asyncio.get_running_loop().time, asyncio.get_running_loop().time()
        result = await self._reconcile(kind, key)
        outcome, seconds = result.outcome, clock() - start
        word = type(outcome).__name__
        reason = "" if isinstance(outcome, Done) else str(outcome.reason)
        self._ports.meter.reconciled(key.kind, word, reason, seconds)
        log.debug("reconciled", extra={"object": str(key), "outcome": word, "reason": reason})
        if result.said:
            for other in kind.wakes:
                for sleeper in self._roster.inside(other, key.namespace):
                    self.wake(sleeper)
        return outcome

    async def _reconcile(self, kind: Kind[Any], key: Key) -> Result:
        """Nothing that goes wrong with one object may end the worker of all; only losing the lease ends everything."""
        try:
            return await reconcile(kind, key, self._platform, self._ports)
        except NotLeading:
            raise
        except Exception:
            log.exception("a fault in Soloist", extra={"object": str(key)})
            return Result(Failed(Reason.INTERNAL_ERROR, INTERNAL_ERROR))


async def resync(
    kind: Kind[Any],
    cluster: Cluster,
    queue: Queue,
    roster: Roster,
    chance: Callable[[], float],
    spread: timedelta = timedelta(0),
) -> None:
    """List a kind and look at each of its objects, spread over a while; events may have been lost."""
    try:
        bodies = await cluster.list(kind.ref, None, {})
    except (ClusterError, KindMissing) as error:
        log.warning("could not list", extra={"kind": kind.ref.kind, "reason": str(error)})
        return
    keys = [
        Key(kind.ref.kind, body["metadata"]["namespace"], body["metadata"]["name"])
        for body in bodies
    ]
    for gone in roster.replace(kind.ref.kind, keys):
        queue.forget(gone)
    for key in keys:
        if spread:
            queue.add_after(key, spread * chance())
        else:
            queue.add(key)


async def resync_forever(
    kind: Kind[Any], cluster: Cluster, queue: Queue, roster: Roster, chance: Callable[[], float]
) -> None:
    """At once, then at the kind's interval."""
    await resync(kind, cluster, queue, roster, chance)
    while True:
        await asyncio.sleep(kind.resync.total_seconds())
        await resync(kind, cluster, queue, roster, chance, spread=kind.resync / 10)
