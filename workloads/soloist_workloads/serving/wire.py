"""The little of ASGI and HTTP that the app needs; a framework would cost more than the model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.scorer import Reply

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

MOST_BODY_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[Header, ...] = ()


class Disconnected(Exception):
    """The client went away before its request was whole."""


def header(scope: Scope, name: bytes) -> str:
    """ASGI gives header names in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return ""


async def read_body(scope: Scope, receive: Receive, *, most: int = MOST_BODY_BYTES) -> bytes:
    declared = header(scope, b"content-length")
    if declared.isdigit() and int(declared) > most:
        raise _too_large(most)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(most: int) -> RequestProblem:
    return RequestProblem(
        f"The body is larger than {most // 1024 // 1024} MiB. Send fewer rows per request.",
        status=413,
    )


def headers_of(response: Response | Reply, extra: Iterable[Header]) -> list[Header]:
    return [
        (b"content-type", response.content_type.encode("latin-1")),
        (b"content-length", str(len(response.body)).encode("ascii")),
        *response.headers,
        *extra,
    ]


async def respond(send: Send, response: Response, extra: Iterable[Header]) -> None:
    headers = headers_of(response, extra)
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
