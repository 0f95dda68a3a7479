"""What goes between the server and a model's own process: a line of JSON, then bytes.

No pickle, in either direction: the process may hold a model that somebody else wrote, and the server must be able to read
what it says without running it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.scorer import Reply

READY, FAILED, ID, PROBLEM, INVALID = "ready", "failed", "id", "problem", "invalid"


def pack(told: Mapping[str, Any], body: bytes = b"") -> bytes:
    return b"\n".join((orjson.dumps(told), body))


def unpack(parcel: bytes) -> tuple[dict[str, Any], bytes]:
    """orjson writes no line break, so the first one ends what was told."""
    told, _, body = parcel.partition(b"\n")
    return orjson.loads(told), body


def pack_reply(number: int, reply: Reply) -> bytes:
    headers = [[name.decode("ascii"), value.decode("ascii")] for name, value in reply.headers]
    told: dict[str, Any] = {
        "status": reply.status,
        "content_type": reply.content_type,
        "headers": headers,
    }
    if not reply.is_valid:
        told[INVALID] = True
    return pack({ID: number, **told}, reply.body)


def pack_problem(number: int, problem: RequestProblem) -> bytes:
    told = {
        "message": problem.message,
        "status": problem.status,
        "code": problem.code,
        "is_models": problem.is_models,
    }
    return pack({ID: number, PROBLEM: told})


def unpack_answer(told: Mapping[str, Any], body: bytes) -> Reply | RequestProblem:
    problem = told.get(PROBLEM)
    if problem is not None:
        return RequestProblem(
            problem["message"],
            status=problem["status"],
            code=problem["code"],
            is_models=problem["is_models"],
        )
    headers = tuple((name.encode(), value.encode()) for name, value in told["headers"])
    is_valid = INVALID not in told
    return Reply(body, told["status"], told["content_type"], headers, is_valid=is_valid)
