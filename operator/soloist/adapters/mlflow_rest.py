"""Requests to MLflow's REST API: addresses, credentials, errors in words."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from soloist.api.conditions import Reason
from soloist.control.ports import Unreachable

TIMEOUT = aiohttp.ClientTimeout(total=5, connect=2)
CONNECTIONS = 8  # the server has one or two workers; more would only queue there


class Missing(Exception):
    """MLflow does not have what was asked for."""


class Exists(Exception):
    """MLflow has what was to be created."""


class MLflowRest:
    """One method: ask, and get the answer or one of three exceptions: Missing, Exists, Unreachable."""

    def __init__(
        self,
        address: str,
        credentials: tuple[str, str] | None = None,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:
        self._address = address.rstrip("/")
        self._timeout = timeout
        self._headers = (
            {"Authorization": aiohttp.encode_basic_auth(*credentials)} if credentials else {}
        )
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        return await self._ask("GET", path, query=query)

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        return await self._ask("POST", path, body=body)

    async def delete(self, path: str, **body: Any) -> dict[str, Any]:
        return await self._ask("DELETE", path, body=body)

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        url = f"{self._address}/api/2.0/mlflow/{path}"
        try:
            async with self._open().request(method, url, params=query, json=body) as answer:
                status, text = answer.status, await answer.text(errors="replace")
        except TimeoutError:
            raise self._unreachable(f"did not answer within {self._timeout.total:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._unreachable(f"can't be reached ({_cause(error)})") from error
        payload = _object(text)
        if status < 300 and payload is not None:
            return payload
        if payload is None:
            raise self._unreachable(f"answered {path} with status {status} and no JSON")
        if payload.get("error_code") == "RESOURCE_DOES_NOT_EXIST":
            raise Missing(path)
        if payload.get("error_code") == "RESOURCE_ALREADY_EXISTS":
            raise Exists(path)
        message = str(payload.get("message") or text)[:300].rstrip(". \n")
        raise self._unreachable(f"answered {path} with status {status}: {message}")

    def _open(self) -> aiohttp.ClientSession:
        """Made at the first use: a session belongs to the event loop that runs then."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                timeout=self._timeout,
                headers=self._headers,
            )
        return self._session

    def _unreachable(self, what: str) -> Unreachable:
        return Unreachable(
            Reason.MLFLOW_UNREACHABLE,
            f"MLflow at {without_credentials(self._address)} {what}. Check that the tracking server and its database "
            "run and that the address in the operator's configuration is right; this goes on by itself then.",
        )


def without_credentials(address: str) -> str:
    """The address as it may stand in a status."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _cause(error: Exception) -> str:
    """The operating system's word for it, where there is one; never a whole chain of class names."""
    inner = getattr(error, "os_error", error)
    if isinstance(inner, OSError) and inner.errno is not None and inner.errno > 0:
        return os.strerror(inner.errno)
    return str(getattr(inner, "strerror", None) or type(error).__name__)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
