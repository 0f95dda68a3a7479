"""What the gateway itself answers: JSON that says what happened and what to do."""

from __future__ import annotations

from soloist.gateway.plan import GatewayPlan
from soloist.gateway.xds import Message, header

RETRY_AFTER = header("retry-after", "1")


def local_replies(plan: GatewayPlan) -> Message:
    """By flag where Envoy knows why, else by status; the first that fits is taken."""
    who = f"{plan.namespace}/{plan.name}"
    later = f"{who} can't answer now. Try again in a second."
    return {
        "mappers": [
            _flagged(
                ["UH", "UF", "URX", "UC", "LR", "UR", "NC"],
                f"No version of {who} is there to answer. Try again in a second; "
                f"its state: kubectl get modelendpoint {plan.name} --namespace {plan.namespace}.",
            ),
            _flagged(["UO"], f"{who} has more requests than it can take. Try again in a second."),
            _status(
                401,
                "Not allowed in: send an API key as x-api-key, or a token as Authorization: Bearer.",
            ),
            _status(403, "Not allowed: this token is not meant for this endpoint."),
            _status(404, "There is nothing here. Predictions: POST /invocations."),
            _status(408, "The request did not arrive in time. Send it again."),
            _status(413, f"The body is larger than {plan.max_body_bytes} bytes. Send fewer rows."),
            *_too_many(plan.rate_limit),
            # A body that is passed on outgrew what is kept of it while another try was on its way.
            _status(507, later, RETRY_AFTER) | {"status_code": 503},
            _status(504, f"No answer within {plan.longest_seconds:g} s. Send fewer rows."),
            _status(503, later, RETRY_AFTER),
        ],
        "body_format": _body("%LOCAL_REPLY_BODY%"),
    }


def _too_many(limit: int | None) -> list[Message]:
    """Without a limit the gateway never says 429."""
    if limit is None:
        return []
    sentence = f"More than {limit} requests a second. Try again in a second."
    return [_status(429, sentence, RETRY_AFTER)]


def _body(sentence: str) -> Message:
    return {"json_format": {"error": sentence}}


def _flagged(flags: list[str], sentence: str) -> Message:
    return {
        "filter": {"response_flag_filter": {"flags": flags}},
        "body_format_override": _body(sentence),
        "headers_to_add": [RETRY_AFTER],
    }


def _status(code: int, sentence: str, *headers: Message) -> Message:
    comparison = {"op": "EQ", "value": {"default_value": code, "runtime_key": "soloist.unused"}}
    return {
        "filter": {"status_code_filter": {"comparison": comparison}},
        "body_format_override": _body(sentence),
        "headers_to_add": list(headers),
    }
