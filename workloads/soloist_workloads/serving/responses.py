"""What is refused, as each protocol's clients expect it, and responses as bytes."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

import orjson

from soloist_workloads.serving.answerer import V1
from soloist_workloads.serving.lane import RETRY_AFTER_SECONDS
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.scorer import Reply
from soloist_workloads.serving.wire import Header, Response, headers_of

CLOSE = (b"connection", b"close")
# What a gateway counts against the version, and asks another one for while this one is on trial.
MODEL_FAILED = (b"x-soloist-model-failed", b"true")
# As uvicorn answers what nobody foresaw.
BROKEN = Response(b"Internal Server Error", 500, "text/plain; charset=utf-8", (CLOSE,))


def render_problem(problem: RequestProblem, protocol: str) -> Response:
    """An error as each protocol's clients expect it; what they aren't told is forgotten."""
    problem.forget_origin()
    if protocol == V1:
        answer = {"error_code": problem.code, "message": problem.message}
    else:
        answer = {"error": problem.message}
    headers = [CLOSE] if problem.status == 413 else []  # the rest of that body is never read
    if problem.is_models:
        headers.append(MODEL_FAILED)
    if problem.status == 503:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    return Response(orjson.dumps(answer), problem.status, headers=tuple(headers))


def render_response(
    response: Response | Reply, extra: Iterable[Header], *, before: Iterable[Header] = ()
) -> bytes:
    """For those who write to the socket themselves."""
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:  # a number that has no name
        phrase = ""
    head = [f"HTTP/1.1 {response.status} {phrase}".encode()]
    head += [b"%b: %b" % header for header in (*before, *headers_of(response, extra))]
    return b"\r\n".join((*head, b"", response.body))
