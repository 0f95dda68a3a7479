"""Whether the watches tell of every kind that they should tell of.

A kind may be installed after us, or anew. kopf looks for it when its CustomResourceDefinition appears, but the API
server may list a new kind a moment later than that, and kopf does not look again: the kind's objects would move only
with each resync.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta

from soloist.control.ports import Cluster, ClusterError, KindMissing
from soloist.core.objects import MANAGED_BY, MANAGER, KindRef

# Twice this is how long a kind may have objects and no event: a watch begins within a second or two.
EVERY = timedelta(seconds=15)


class Deaf(Exception):
    """Objects of a kind exist and no event of it ever came."""


class Hearing:
    """The kinds that no event has come from yet."""

    def __init__(self, own: Iterable[KindRef], children: Iterable[KindRef]) -> None:
        labels = {MANAGED_BY: MANAGER}
        self._silent = {**{ref: {} for ref in own}, **dict.fromkeys(children, labels)}

    def heard(self, kind: KindRef) -> None:
        """An event of this kind came."""
        self._silent.pop(kind, None)

    async def listen(self, cluster: Cluster, every: timedelta = EVERY) -> None:
        """Raises Deaf when a kind had objects at two looks in a row and stayed silent."""
        suspects: set[KindRef] = set()
        while True:
            await asyncio.sleep(every.total_seconds())
            exist = {ref for ref in tuple(self._silent) if await self._has_objects(cluster, ref)}
            deaf = exist & suspects & self._silent.keys()
            if deaf:
                names = ", ".join(sorted(ref.kind for ref in deaf))
                raise Deaf(f"no event tells of {names}; the process begins anew")
            suspects = exist

    async def _has_objects(self, cluster: Cluster, ref: KindRef) -> bool:
        try:
            return bool(await cluster.list(ref, None, self._silent.get(ref, {})))
        except (ClusterError, KindMissing):
            return False
