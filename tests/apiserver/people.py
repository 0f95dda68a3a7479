"""What a user, KubeRay and the Deployment controller do, on a real API server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from soloist.adapters.kube_client import path_of
from soloist.adapters.kube_transport import MERGE, Transport
from soloist.core.objects import VOLUME_CLAIM, KindRef, ObjectRef


class RealPeople:
    """Plain requests, not the operator's: no apply, no field manager of ours."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def add(self, kind: KindRef, body: Mapping[str, Any]) -> None:
        whole = {"apiVersion": kind.api_version, "kind": kind.kind, **body}
        path = path_of(kind, body["metadata"]["namespace"])
        await self._transport.json("POST", path, body=whole)

    async def edit(self, ref: ObjectRef, changes: Mapping[str, Any]) -> None:
        await self._patch(ref, changes)

    async def set_status(self, ref: ObjectRef, status: Mapping[str, Any]) -> None:
        await self._patch(ref, {"status": status}, "status")

    async def remove(self, ref: ObjectRef) -> None:
        if (
            ref.kind == VOLUME_CLAIM
        ):  # its protection is lifted by a controller that does not run here
            await self._patch(ref, {"metadata": {"finalizers": None}})
        await self._transport.json("DELETE", path_of(ref.kind, ref.namespace, ref.name))

    async def _patch(self, ref: ObjectRef, body: Mapping[str, Any], part: str = "") -> None:
        path = path_of(ref.kind, ref.namespace, ref.name, part)
        await self._transport.json("PATCH", path, body=body, content=MERGE)
