"""The part of MLflow's HTTP that pods use, in memory; it can be down, and it can refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.workloads.http_server import http_server

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


@dataclass
class FakeMlflow:
    """State that tests arrange and look at."""

    artifacts: dict[str, bytes] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    is_down: bool = False
    uri: str = ""

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        if self.is_down:
            return 503, {"message": "down"}
        if path.startswith(ARTIFACTS):
            return self._artifact(
                method, unquote(path.removeprefix(ARTIFACTS).strip("/")), query, body
            )
        if path == f"{API}/runs/get":
            return 200, {
                "run": {
                    "info": {"artifact_uri": f"mlflow-artifacts:/1/{query['run_id']}/artifacts"}
                }
            }
        if path == f"{API}/runs/log-parameter":
            return self._log_param(json.loads(body))
        if path == f"{API}/runs/log-metric":
            metric = json.loads(body)
            self.metrics[metric["key"]] = metric["value"]
            return 200, {}
        if path.startswith(f"{API}/logged-models/"):
            return self._artifact_uri("model", self.models.get(path.rpartition("/")[2]))
        if path == f"{API}/model-versions/get-download-uri":
            uri = self.models.get(f"{query['name']}/{query['version']}")
            return (200, {"artifact_uri": uri}) if uri else (404, {"message": "no such version"})
        return 404, {"message": f"no {path}"}

    def _artifact_uri(self, kind: str, uri: str | None) -> tuple[int, Any]:
        return (
            (200, {kind: {"info": {"artifact_uri": uri}}})
            if uri
            else (404, {"message": "no such model"})
        )

    def _log_param(self, param: dict[str, str]) -> tuple[int, Any]:
        if self.params.setdefault(param["key"], param["value"]) != param["value"]:
            return 400, {"message": "Changing param values is not allowed."}
        return 200, {}

    def _artifact(
        self, method: str, path: str, query: dict[str, str], body: bytes
    ) -> tuple[int, Any]:
        if method == "PUT":
            self.artifacts[path] = body
            return 200, {}
        if path:
            return (
                (200, self.artifacts[path])
                if path in self.artifacts
                else (404, {"message": "none"})
            )
        prefix = query["path"] + "/"
        names = {p.removeprefix(prefix) for p in self.artifacts if p.startswith(prefix)}
        return 200, {
            "files": [{"path": n.split("/")[0], "is_dir": "/" in n} for n in sorted(names)]
        }


@contextmanager
def fake_mlflow() -> Iterator[FakeMlflow]:
    state = FakeMlflow()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            state.requests.append(f"{self.command} {parts.path}")
            status, answer = state.answer(self.command, parts.path, query, body)
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _do  # noqa: N815 - the names are the standard library's

        def log_message(self, *_: object) -> None:
            pass

    with http_server(Handler) as state.uri:
        yield state
