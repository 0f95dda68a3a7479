"""The try-it page: one file without a name of the model in it, so that there is nothing to escape.

The page reads `openapi.json` beside it and shows it as text nodes only. Its policy lets no script run but its own,
and lets that talk to nobody but the endpoint.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

import orjson

from soloist_workloads.serving.lane import RETRY_AFTER_SECONDS
from soloist_workloads.serving.wire import Header, Response

FILE = Path(__file__).with_name("page.html")
INLINE = re.compile(rb"<(script|style)>(.*?)</\1>", re.DOTALL)


@cache
def show_page() -> Response:
    html = FILE.read_bytes()
    headers: tuple[Header, ...] = (
        (b"content-security-policy", policy(html).encode("ascii")),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        # Another version may answer the next time, and brings its own.
        (b"cache-control", b"no-cache"),
    )
    return Response(html, content_type="text/html; charset=utf-8", headers=headers)


def policy(html: bytes) -> str:
    """Hashes of what is in the file: a script that got in some other way has none."""
    allowed = {"script": "", "style": ""}
    for kind, content in INLINE.findall(html):
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode("ascii")
        allowed[kind.decode("ascii")] += f" 'sha256-{digest}'"
    return (
        f"default-src 'none'; script-src{allowed['script']}; style-src{allowed['style']}; "
        # Not even an icon is asked for: the page's own is an empty one in its text.
        "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def show_document(document: bytes) -> Response:
    if document:
        return Response(document, headers=((b"cache-control", b"no-cache"),))
    problem = orjson.dumps({"error": "Not ready: the model is loading. Try again in a second."})
    retry = (b"retry-after", str(RETRY_AFTER_SECONDS).encode("ascii"))
    return Response(problem, 503, headers=(retry,))
