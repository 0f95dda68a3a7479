"""What can come back: the bodies of answers and errors, and the headers that tell who answered."""

from __future__ import annotations

from typing import Any

from soloist_workloads.serving.openapi.sides import Schema

JSON = "application/json"
HEADERS: dict[str, str] = {
    "x-model-name": "The model that answered.",
    "x-model-version": "Its version, told by the pod.",
    "x-soloist-version": "The version that answered, told by the gateway.",
    "x-soloist-rung": "Where that version stands: champion, candidate, previous or baseline. From the gateway.",
    "x-request-id": "The request's id in the gateway's log; the client's own where it sent one.",
}
V1_ERROR, V2_ERROR = "Error", "ProtocolError"
# Status → who says it and why. The gateway's own refusals have the shape of the protocol's errors on every path.
PROBLEMS: dict[str, str] = {
    "400": "The request doesn't fit the model, or the model failed on it. The message names the column.",
    "401": "The endpoint asks for an API key or a token, and none came or it isn't known. From the gateway.",
    "404": "No such path, model or version.",
    "405": "Another method belongs to this path.",
    "413": "The body is too large.",
    "415": "The content type isn't one of those listed. Only UTF-8 is read.",
    "429": "More requests a second than the endpoint allows. From the gateway.",
    "500": "The model failed in a way that is no fault of the request.",
    "503": "Busy or not ready. Try again after the seconds in `Retry-After`.",
    "504": "No answer in time. From the gateway.",
}
FROM_GATEWAY = frozenset({"401", "429", "504"})
WITH_RETRY_AFTER = frozenset({"429", "503"})


def schemas() -> dict[str, Schema]:
    text = {"type": "string"}
    return {
        V1_ERROR: {
            "type": "object",
            "description": "MLflow's shape of an error.",
            "required": ["error_code", "message"],
            "properties": {"error_code": text, "message": text},
        },
        V2_ERROR: {
            "type": "object",
            "description": "The Open Inference Protocol's shape of an error, and the gateway's.",
            "required": ["error"],
            "properties": {"error": text},
        },
    }


def headers() -> dict[str, Any]:
    """Components, so that an answer only refers to them."""
    told = {name: _header(sentence, "string") for name, sentence in HEADERS.items()}
    return {**told, "retry-after": _header("Seconds until another try is worth it.", "integer")}


def _header(sentence: str, kind: str) -> Schema:
    return {"description": sentence, "schema": {"type": kind}}


def answer(sentence: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"description": sentence, "headers": _headers(), "content": content}


def problems(error: str, *statuses: str) -> dict[str, Any]:
    return {status: {"$ref": f"#/components/responses/{error}{status}"} for status in statuses}


def responses() -> dict[str, Any]:
    """Each problem once per shape of error, for all paths to refer to."""
    return {
        f"{error}{status}": _problem(error, status)
        for error in (V1_ERROR, V2_ERROR)
        for status in PROBLEMS
    }


def _problem(error: str, status: str) -> dict[str, Any]:
    mine, gateways = _ref(error), _ref(V2_ERROR)
    if status in FROM_GATEWAY:
        schema = gateways
    else:
        # A pod says so in its protocol's shape, the gateway before it in its own.
        schema = {"anyOf": [mine, gateways]} if error != V2_ERROR else mine
    more = ("retry-after",) if status in WITH_RETRY_AFTER else ()
    return {
        "description": PROBLEMS[status],
        "headers": _headers(*more),
        "content": {JSON: {"schema": schema}},
    }


def _headers(*more: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*HEADERS, *more)}


def _ref(schema: str) -> Schema:
    return {"$ref": f"#/components/schemas/{schema}"}
