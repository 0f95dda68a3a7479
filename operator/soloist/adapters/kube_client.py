"""The port `Cluster` on a real API server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from soloist.adapters.kube_transport import APPLY, JSON_PATCH, MERGE, METADATA, Transport
from soloist.control.ports import ClusterError
from soloist.core.objects import MANAGER, KindRef, Manifest, ObjectRef

CHUNK = 500
LOG_BYTES = 1 << 20
_MANAGER = {"fieldManager": MANAGER}
_FORCED = {**_MANAGER, "force": "true"}


def path_of(kind: KindRef, namespace: str | None = None, name: str = "", part: str = "") -> str:
    """Where a namespaced resource lives; no discovery, so that a kind that is not installed is an answer, not a wait."""
    root = "/api" if "/" not in kind.api_version else "/apis"
    inside = f"/namespaces/{namespace}" if namespace is not None else ""
    tail = f"/{name}" if name else ""
    return f"{root}/{kind.api_version}{inside}/{kind.plural}{tail}{'/' + part if part else ''}"


def _at(ref: ObjectRef, part: str = "") -> str:
    return path_of(ref.kind, ref.namespace, ref.name, part)


class KubeCluster:
    """Reads straight from the API server, writes by server-side apply under one field manager."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(self, ref: ObjectRef) -> Manifest | None:
        try:
            return await self._transport.json("GET", _at(ref))
        except ClusterError as error:
            if error.code == 404:
                return None
            raise

    async def is_there(self, ref: ObjectRef) -> bool:
        try:
            await self._transport.text("GET", _at(ref), accept=METADATA)
        except ClusterError as error:
            if error.code == 404:
                return False
            raise
        return True

    async def list(
        self, kind: KindRef, namespace: str | None, labels: Mapping[str, str]
    ) -> tuple[Manifest, ...]:
        """In chunks: ten thousand objects in one answer would be tens of megabytes on both sides."""
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        query = {"limit": str(CHUNK)} | ({"labelSelector": selector} if selector else {})
        found: list[Manifest] = []
        while True:
            answer = await self._transport.json("GET", path_of(kind, namespace), query=query)
            # The items of a list leave out what the list says once.
            found.extend(
                {"apiVersion": kind.api_version, "kind": kind.kind, **item}
                for item in answer["items"]
            )
            token = answer["metadata"].get("continue")
            if not token:
                return tuple(found)
            query = {**query, "continue": token}

    async def log_tail(self, namespace: str, pod: str, container: str, lines: int) -> str:
        query = {"container": container, "tailLines": str(lines), "limitBytes": str(LOG_BYTES)}
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        try:
            return await self._transport.text("GET", path, query=query)
        except ClusterError as error:
            if error.code in (400, 404):  # not started yet, or gone
                return ""
            raise

    async def create(self, ref: ObjectRef, manifest: Manifest) -> None:
        """An apply whose resourceVersion no living object has: it creates, or conflicts, and never touches a stranger.

        Not a POST: the fields would belong to an update by our manager, and no later apply could take one away.
        """
        await self._apply(ref, _with_metadata(manifest, resourceVersion="1"))

    async def apply(self, ref: ObjectRef, manifest: Manifest, uid: str) -> None:
        await self._apply(ref, _with_metadata(manifest, uid=uid))

    async def _apply(self, ref: ObjectRef, body: Mapping[str, Any]) -> None:
        await self._transport.json("PATCH", _at(ref), query=_FORCED, body=body, content=APPLY)

    async def strip(self, ref: ObjectRef, uid: str, pointers: tuple[str, ...]) -> None:
        # From the end of a list to its start, so that no removal moves the next one's place.
        patch = [{"op": "remove", "path": pointer} for pointer in reversed(pointers)]
        same = {"op": "test", "path": "/metadata/uid", "value": uid}
        try:
            await self._transport.json(
                "PATCH", _at(ref), query=_MANAGER, body=[same, *patch], content=JSON_PATCH
            )
        except ClusterError as error:
            if error.code not in (404, 409):  # 409: the test failed, or a place is gone already
                raise

    async def delete(self, ref: ObjectRef, uid: str) -> None:
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        }
        await self._unless_gone("DELETE", _at(ref), body=options)

    async def apply_status(self, ref: ObjectRef, uid: str, status: Mapping[str, Any]) -> None:
        """A JSON patch, not an apply: on a status subresource the API server ignores the UID that an apply names, and
        an old status must not end up on a successor of the same name. `add` replaces the status as a whole."""
        patch: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "add", "path": "/status", "value": status},
        ]
        try:
            await self._transport.json(
                "PATCH", _at(ref, "status"), query=_MANAGER, body=patch, content=JSON_PATCH
            )
        except ClusterError as error:
            if error.code != 404:
                raise

    async def annotate(self, ref: ObjectRef, uid: str, annotation: str, value: str) -> None:
        """A merge patch that names the UID: on another object of that name the API server answers 409."""
        body = {"metadata": {"uid": uid, "annotations": {annotation: value}}}
        try:
            await self._transport.json("PATCH", _at(ref), query=_MANAGER, body=body, content=MERGE)
        except ClusterError as error:
            if error.code not in (404, 409):
                raise

    async def set_finalizers(
        self, ref: ObjectRef, version: str, finalizers: tuple[str, ...]
    ) -> None:
        body = {"metadata": {"resourceVersion": version, "finalizers": list(finalizers)}}
        try:
            await self._transport.json("PATCH", _at(ref), query=_MANAGER, body=body, content=MERGE)
        except ClusterError as error:
            if error.code != 404:
                raise

    async def _unless_gone(self, method: str, path: str, *, body: Mapping[str, Any]) -> None:
        """404: it is gone. 409: another object has its name by now; ours is gone as well."""
        try:
            await self._transport.json(method, path, body=body)
        except ClusterError as error:
            if error.code not in (404, 409):
                raise


def _with_metadata(manifest: Manifest, **fields: str) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], **fields}}
