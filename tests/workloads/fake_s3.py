"""The part of S3's HTTP that pyarrow uses, in memory. Nobody's signature is checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.workloads.http_server import http_server

STAMP = "2026-11-23T03:00:00.000Z"
HTTP_STAMP = "Mon, 23 Nov 2026 03:00:00 GMT"


@dataclass
class FakeS3:
    """Objects by bucket and key, `bucket/folder/file`."""

    objects: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    uri: str = ""


def listing(state: FakeS3, bucket: str, query: dict[str, str]) -> bytes:
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    keys, folders = [], set()
    for name in sorted(state.objects):
        key = name.removeprefix(f"{bucket}/")
        if not name.startswith(f"{bucket}/") or not key.startswith(prefix):
            continue
        rest = key.removeprefix(prefix)
        if delimiter and delimiter in rest:
            folders.add(prefix + rest.split(delimiter)[0] + delimiter)
        else:
            keys.append((key, len(state.objects[name])))
    found = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>{STAMP}</LastModified><Size>{size}</Size></Contents>"
        for key, size in keys
    )
    found += "".join(
        f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>"
        for one in sorted(folders)
    )
    count = len(keys) + len(folders)
    return (
        f"<ListBucketResult><Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{count}</KeyCount>"
        f"<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"
    ).encode()


def unchunked(body: bytes) -> bytes:
    """The content of a body in `aws-chunked`: sizes in hexadecimal, each before its part."""
    content = b""
    while body:
        head, _, body = body.partition(b"\r\n")
        size = int(head.split(b";")[0] or b"0", 16)
        if not size:
            break
        content, body = content + body[:size], body[size + 2 :]
    return content


class Handler(BaseHTTPRequestHandler):
    state: ClassVar[FakeS3]
    protocol_version = "HTTP/1.1"

    def _do(self) -> None:
        parts = urlsplit(self.path)
        name = unquote(parts.path).strip("/")
        query = {key: one[0] for key, one in parse_qs(parts.query, keep_blank_values=True).items()}
        status, body, size = self._answer(name, query, self._body())
        self.send_response(status)
        self.send_header("ETag", '"e"')
        self.send_header("Last-Modified", HTTP_STAMP)
        self.send_header("Content-Length", str(len(body) if size is None else size))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if "chunked" in (self.headers.get("transfer-encoding") or ""):
            body = b"".join(iter(self._chunk, b""))
        else:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
        chunked = "aws-chunked" in (self.headers.get("content-encoding") or "")
        return unchunked(body) if chunked else body

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline(), 16)
        content = self.rfile.read(size)
        self.rfile.readline()
        return content

    def _answer(  # noqa: PLR0911 - one return for each question
        self, name: str, query: dict[str, str], body: bytes
    ) -> tuple[int, bytes, int | None]:
        match self.command:
            case "GET" if "/" not in name:
                return 200, listing(self.state, name, query), None
            case "GET" | "HEAD" if name not in self.state.objects:
                return 404, b"", None
            case "HEAD":
                return 200, b"", len(self.state.objects[name])
            case "GET":
                return self._part(self.state.objects[name])
            case "DELETE":
                self.state.objects.pop(name, None)
                return 204, b"", None
            case "POST" if "uploads" in query:
                self.state.parts[name] = {}
                told = f"<InitiateMultipartUploadResult><UploadId>{len(self.state.parts)}</UploadId></InitiateMultipartUploadResult>"
                return 200, told.encode(), None
            case "POST":
                whole = self.state.parts.pop(name)
                self.state.objects[name] = b"".join(whole[number] for number in sorted(whole))
                told = (
                    "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"
                )
                return 200, told.encode(), None
            case "PUT" if "partNumber" in query:
                self.state.parts[name][int(query["partNumber"])] = body
                return 200, b"", None
            case _:
                key = f"{name}/" if self.path.split("?")[0].endswith("/") else name
                self.state.objects[key] = body
                return 200, b"", None

    def _part(self, whole: bytes) -> tuple[int, bytes, int | None]:
        asked = self.headers.get("range")
        if not asked:
            return 200, whole, None
        first, _, last = asked.removeprefix("bytes=").partition("-")
        return 206, whole[int(first) : int(last) + 1 if last else None], None

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _do  # noqa: N815 - the names are the standard library's

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def fake_s3() -> Iterator[FakeS3]:
    state = FakeS3()
    with http_server(type("Bound", (Handler,), {"state": state})) as state.uri:
        yield state
