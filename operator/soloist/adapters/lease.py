"""Who acts: a Lease of coordination.k8s.io.

The clocks of two machines are never compared: a candidate waits until the record has not changed for its whole
duration by the candidate's own clock, as client-go does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from soloist.adapters.kube_transport import Transport
from soloist.control.ports import ClusterError, NotLeading

log = logging.getLogger(__name__)

# A killed leader is replaced after this and one RETRY: 15 s, which leaves five of the twenty that we promise to a new
# leader's first look at everything.
DURATION = 13.0
# A leader that could not renew for so long stops. Another begins DURATION after it saw the last renewal, which is
# later than the moment from which we count: two seconds remain for a request that is still on its way.
RENEW_WITHIN = 11.0
RETRY = 2.0
ATTEMPT = 5.0


class Lease:
    """Acquire, hold, give back. `valid` is what every write asks before it goes out."""

    def __init__(
        self,
        transport: Transport,
        *,
        namespace: str,
        name: str,
        identity: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._clock = clock
        self._renewed: float | None = None
        self._live: dict[str, Any] | None = None
        """As we wrote it; unknown until then, and after every error."""
        self._record: tuple[str, str] | None = None
        self._seen_at = 0.0

    def check(self) -> None:
        """Raise NotLeading unless the lease was renewed recently: a process that slept must not write on waking."""
        if not self._is_valid():
            raise NotLeading("this process does not hold the lease")

    async def acquire(self) -> None:
        """Return as soon as the lease is ours."""
        log.info("waiting for the lease", extra={"identity": self._identity})
        while not await self.attempt():  # noqa: ASYNC110  # no event tells of a lease that nobody renews
            await asyncio.sleep(RETRY)
        log.info("leading", extra={"identity": self._identity})

    async def hold(self) -> None:
        """Renew until it fails for too long; returning means that we lead no more."""
        while self._is_valid():
            await asyncio.sleep(RETRY)
            await self.attempt()

    async def release(self) -> None:
        """Give the lease back, so that the next one need not wait for its end."""
        if self._renewed is None:
            return
        self._renewed = None
        try:
            live = await self._get()
            if live is not None and live["spec"].get("holderIdentity") == self._identity:
                await self._put({**live, "spec": {**live["spec"], "holderIdentity": ""}})
        except ClusterError as error:
            log.warning("could not give the lease back", extra={"reason": str(error)})

    def _is_valid(self) -> bool:
        return self._renewed is not None and self._clock() - self._renewed <= RENEW_WITHIN

    async def attempt(self) -> bool:
        """One attempt to take or renew."""
        began = self._clock()
        try:
            async with asyncio.timeout(ATTEMPT):
                if not await self._take():
                    self._renewed = None
                    return False
        except (ClusterError, TimeoutError) as error:
            self._live = None
            log.warning("could not reach the lease", extra={"reason": str(error)})
            return False
        self._renewed = began
        return True

    async def _take(self) -> bool:
        """One request while it is ours: it is renewed by the version of the last renewal, without a look."""
        live = self._live or await self._get()
        if live is None:
            body = self._body({}, {})
            self._live = await self._transport.json("POST", self._path(), body=body)
        elif self._may_take(live["spec"]):
            self._live = await self._put(self._body(live["metadata"], live["spec"]))
        else:
            return False
        return True

    def _may_take(self, spec: dict[str, Any]) -> bool:
        holder = spec.get("holderIdentity") or ""
        if holder in ("", self._identity):
            return True
        record = (holder, spec.get("renewTime") or "")
        if record != self._record:
            self._record, self._seen_at = record, self._clock()
        return self._clock() - self._seen_at > float(spec.get("leaseDurationSeconds") or DURATION)

    def _body(self, metadata: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        ours = before.get("holderIdentity") == self._identity
        changes = int(before.get("leaseTransitions") or 0)
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {**metadata, "name": self._name, "namespace": self._namespace},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": int(DURATION),
                "acquireTime": before.get("acquireTime", now) if ours else now,
                "renewTime": now,
                "leaseTransitions": changes if ours or not before else changes + 1,
            },
        }

    async def _get(self) -> dict[str, Any] | None:
        try:
            return await self._transport.json("GET", f"{self._path()}/{self._name}")
        except ClusterError as error:
            if error.code == 404:
                return None
            raise

    async def _put(self, body: dict[str, Any]) -> dict[str, Any]:
        """Replaces the version that was read: of two candidates one gets a conflict."""
        return await self._transport.json("PUT", f"{self._path()}/{self._name}", body=body)

    def _path(self) -> str:
        return f"/apis/coordination.k8s.io/v1/namespaces/{self._namespace}/leases"
