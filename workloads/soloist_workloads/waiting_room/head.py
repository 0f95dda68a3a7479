"""The beginning of a request, as far as somebody who only passes it on has to know it."""

from __future__ import annotations

END = b"\r\n\r\n"


def body_length(head: bytes) -> int | None:
    """Bytes that follow; None where only their end will tell."""
    if _value(head, b"transfer-encoding") is not None:
        return None
    value = _value(head, b"content-length")
    return int(value) if value is not None and value.isdigit() else 0


def hung_up(head: bytes) -> bytes:
    """The same head, asking for the connection to end with the answer: that is how the answer's end is known."""
    lines = head.removesuffix(END).split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith((b"connection:", b"keep-alive:"))]
    return b"\r\n".join((*kept, b"connection: close")) + END


def _value(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None


def refusal(sentence: str) -> bytes:
    """An answer 503 that says when to come again. The sentence has no quotation marks."""
    body = b'{"error": "' + sentence.encode() + b'"}'
    lines = (
        b"HTTP/1.1 503 Service Unavailable",
        b"content-type: application/json",
        b"content-length: %d" % len(body),
        b"retry-after: 1",
        b"connection: close",
    )
    return b"\r\n".join(lines) + END + body
