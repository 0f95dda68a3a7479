"""Requests to the API server through the official client: credentials, connections, retries, errors in words."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import load_incluster_config, load_kube_config
from kubernetes.aio.config.incluster_config import SERVICE_HOST_ENV_NAME

from soloist.control.ports import ClusterError, KindMissing

CONNECTIONS = 32
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
# Five tries within about four seconds: a rolling API server is bridged, a broken one is the queue's to wait for.
PAUSES = (0.1, 0.3, 0.9, 2.7)
LONGEST_PAUSE = 10.0
BUSY_CODES = frozenset({429, 500, 502, 503, 504})

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
# Of an object its metadata only.
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
Body = Mapping[str, Any] | Sequence[Mapping[str, Any]]


def is_in_cluster() -> bool:
    """Whether this process runs in a pod."""
    return SERVICE_HOST_ENV_NAME in os.environ


def server_address() -> str:
    """The API server's address inside the cluster, by number: it must not depend on the cluster's DNS."""
    configuration = Configuration()
    load_incluster_config(configuration, try_refresh_token=False)  # type: ignore[no-untyped-call]  # the client has no annotations
    return str(configuration.host)


async def connect(kubeconfig: str | None = None) -> ApiClient:
    """A client with the pod's service account (its token is read again every minute), else with the kubeconfig."""
    configuration = Configuration()
    configuration.connection_pool_maxsize = CONNECTIONS
    # The client has read the proxy from the environment already. aiohttp would look for it anew with each request, and
    # for a .netrc too, in a thread: a third of the time of a request on a busy machine.
    configuration.client_session_kwargs = {"trust_env": False}
    if is_in_cluster():
        load_incluster_config(configuration)  # type: ignore[no-untyped-call]  # the client has no annotations
    else:
        await load_kube_config(kubeconfig, client_configuration=configuration)  # type: ignore[no-untyped-call]  # the client has no annotations
    return ApiClient(configuration=configuration)


class Transport:
    """Sends requests; a request that changes something asks `allowed` first (it raises when we may not act)."""

    def __init__(
        self,
        client: ApiClient,
        *,
        allowed: Callable[[], None] = lambda: None,
        pauses: tuple[float, ...] = PAUSES,
    ) -> None:
        self._client = client
        self._allowed = allowed
        self._pauses = pauses

    async def close(self) -> None:
        await self._client.close()  # type: ignore[no-untyped-call]  # the client has no annotations

    async def json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        content: str = JSON,
    ) -> dict[str, Any]:
        """The answer to a request. Raises ClusterError, KindMissing."""
        text = await self.text(method, path, query=query, body=body, content=content)
        answer: dict[str, Any] = json.loads(text)
        return answer

    async def text(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        content: str = JSON,
        accept: str = JSON,
    ) -> str:
        """The same, not parsed. Every request that we send may be repeated: a write names the version or UID it means."""
        for pause in (*self._pauses, None):
            if method != "GET":
                self._allowed()
            try:
                status, headers, text = await self._once(method, path, query, body, content, accept)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if pause is None:
                    raise ClusterError(
                        f"the API server did not answer ({type(error).__name__})",
                        code=0,
                        reason="Unavailable",
                    ) from error
                await asyncio.sleep(pause * random.uniform(0.7, 1.3))
                continue
            if status < 300:
                return text
            if status not in BUSY_CODES or pause is None:
                raise _error(status, text)
            await asyncio.sleep(_asked_pause(headers) or pause * random.uniform(0.7, 1.3))
        raise AssertionError("the last try returns or raises")

    async def _once(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Body | None,
        content: str,
        accept: str,
    ) -> tuple[int, Mapping[str, str], str]:
        url, headers = await self._signed(path, query)
        headers |= {"Content-Type": content, "Accept": accept}
        answer = await self._client.rest_client.request(  # type: ignore[no-untyped-call]  # the client has no annotations
            method, url, headers=headers, body=body, _request_timeout=TIMEOUT
        )
        payload: bytes = await answer.read()
        return answer.status, answer.headers, payload.decode(errors="replace")

    async def _signed(
        self, path: str, query: Mapping[str, str] | None
    ) -> tuple[str, dict[str, str]]:
        """Address and headers with the current credentials."""
        configuration = self._client.configuration
        headers: dict[str, str] = {}
        key = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if key:
            headers["Authorization"] = key
        return f"{configuration.host}{path}{'?' + urlencode(query) if query else ''}", headers


def _asked_pause(headers: Mapping[str, str]) -> float | None:
    """What `Retry-After` asks for, as far as it is reasonable."""
    value = headers.get("Retry-After", "")
    return min(float(value), LONGEST_PAUSE) if value.isdigit() else None


def _error(status: int, text: str) -> ClusterError | KindMissing:
    """The API server's answer in words. A 404 that names no object means that the kind itself is unknown."""
    try:
        answer = json.loads(text)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    details = answer.get("details") or {}
    if status == 404 and not details.get("name"):
        return KindMissing(answer.get("message") or "the API server does not know the kind")
    message = answer.get("message") or text.strip()[:500] or f"HTTP status {status}"
    if status == 422 and _means_another(details):
        return ClusterError(message, code=409, reason="Conflict")
    return ClusterError(message, code=status, reason=answer.get("reason") or "")


def _means_another(details: Mapping[str, Any]) -> bool:
    """Whether a 422 only says that the object with this name has another UID: to an apply the API server calls it a
    changed field, to a patch whose test failed it gives no cause at all."""
    causes = details.get("causes") or ()
    nothing_said = not causes and not details.get("name")
    return nothing_said or any(cause.get("field") == "metadata.uid" for cause in causes)
