"""MLflow over plain HTTP: the REST API and the artifact proxy."""

from __future__ import annotations

import base64
import json
import os
import shutil
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from soloist_workloads.tracking.ports import (
    ModelStore,
    RunStore,
    TrackingError,
    TrackingRefused,
)

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
PROXIED = "mlflow-artifacts"
TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """One tracking server and how to identify oneself there."""

    uri: str
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    @classmethod
    def at(cls, uri: str, environ: Mapping[str, str] = os.environ) -> Server:
        """Credentials and TLS come from the variables that the mlflow client reads, too."""
        return cls(uri.rstrip("/"), _authorization(environ), _tls(uri, environ))

    def get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        with self.open("GET", f"{path}?{urllib.parse.urlencode(query)}") as response:
            return _json(response)

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        content = json.dumps(body).encode()
        with self.open("POST", path, content, {"Content-Type": "application/json"}):
            pass

    def open(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HTTPResponse:
        url = self.uri + path
        request = urllib.request.Request(  # noqa: S310 - open.py let only http and https through
            url, content, {**self.headers, **(headers or {})}, method=method
        )
        try:
            response: HTTPResponse = urllib.request.urlopen(  # noqa: S310 - as above
                request, timeout=TIMEOUT_SECONDS, context=self.tls
            )
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(method, url, error.code, error.read(2000)) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise TrackingError(f"MLflow at {self.uri} can't be reached: {reason}.") from None
        return response


class RestRun(RunStore):
    """One run through REST; where its artifacts go is asked once."""

    def __init__(self, server: Server, run_id: str) -> None:
        self._server = server
        self._run_id = run_id
        self._artifact_uri: str | None = None

    def put_artifact(self, path: str, content: bytes) -> None:
        if self._artifact_uri is None:
            answer = self._server.get(f"{API}/runs/get", {"run_id": self._run_id})
            self._artifact_uri = str(answer["run"]["info"]["artifact_uri"])
        root = proxied_path(self._artifact_uri)
        if root is None:
            from soloist_workloads.tracking.client import ClientRun

            ClientRun(self._server.uri, self._run_id).put_artifact(path, content)
            return
        target = urllib.parse.quote(f"{root}/{path}")
        with self._server.open(
            "PUT", f"{ARTIFACTS}/{target}", content, {"Content-Type": "text/plain"}
        ):
            pass

    def log_param(self, name: str, value: str) -> None:
        body = {"run_id": self._run_id, "key": name, "value": value}
        self._server.post(f"{API}/runs/log-parameter", body)

    def log_metric(self, name: str, value: float) -> None:
        now = int(time.time() * 1000)
        body = {"run_id": self._run_id, "key": name, "value": value, "timestamp": now, "step": 0}
        self._server.post(f"{API}/runs/log-metric", body)


class RestModels(ModelStore):
    """Model files through the artifact proxy."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def download(self, model_uri: str, into: Path) -> None:
        root = proxied_path(self._artifact_uri(model_uri))
        if root is None:
            from soloist_workloads.tracking.client import ClientModels

            ClientModels(self._server.uri).download(model_uri, into)
            return
        self._download_folder(root, into)

    def _artifact_uri(self, model_uri: str) -> str:
        name, _, version = model_uri.removeprefix("models:/").partition("/")
        if not version:
            answer = self._server.get(f"{API}/logged-models/{urllib.parse.quote(name)}", {})
            return str(answer["model"]["info"]["artifact_uri"])
        query = {"name": name, "version": version}
        answer = self._server.get(f"{API}/model-versions/get-download-uri", query)
        location = str(answer["artifact_uri"])
        if location.startswith("models:/"):
            return self._artifact_uri(location)
        return location

    def _download_folder(self, remote: str, local: Path) -> None:
        for entry in self._server.get(ARTIFACTS, {"path": remote}).get("files", []):
            name = str(entry["path"])
            if "/" in name or name in ("", ".", ".."):
                raise TrackingRefused(
                    f"MLflow named a file {name!r} outside of the model's folder."
                )
            if entry.get("is_dir"):
                (local / name).mkdir(exist_ok=True)
                self._download_folder(f"{remote}/{name}", local / name)
            else:
                self._download_file(f"{remote}/{name}", local / name)

    def _download_file(self, remote: str, local: Path) -> None:
        path = f"{ARTIFACTS}/{urllib.parse.quote(remote)}"
        with self._server.open("GET", path) as response, local.open("wb") as file:
            try:
                shutil.copyfileobj(response, file, 1 << 20)
            except (OSError, HTTPException) as error:
                raise TrackingError(f"The download of {remote} broke off: {error}.") from None


def proxied_path(artifact_uri: str) -> str | None:
    """The path below the artifact proxy; None when artifacts are kept elsewhere than behind MLflow."""
    parts = urllib.parse.urlsplit(artifact_uri)
    return parts.path.strip("/") if parts.scheme == PROXIED else None


def _authorization(environ: Mapping[str, str]) -> dict[str, str]:
    if token := environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    user = environ.get("MLFLOW_TRACKING_USERNAME")
    password = environ.get("MLFLOW_TRACKING_PASSWORD")
    if not user or not password:
        return {}
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _tls(uri: str, environ: Mapping[str, str]) -> ssl.SSLContext | None:
    if not uri.startswith("https://"):
        return None
    context = ssl.create_default_context(cafile=environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH"))
    if environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() == "true":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _json(response: HTTPResponse) -> dict[str, Any]:
    try:
        answer = json.load(response)
    except (ValueError, OSError, HTTPException) as error:
        raise TrackingError(f"MLflow's answer could not be read: {error}.") from None
    if not isinstance(answer, dict):
        raise TrackingError("MLflow's answer is not a JSON object.")
    return answer


def _refusal(method: str, url: str, code: int, body: bytes) -> TrackingError:
    """A 4xx is final, except 408 and 429; anything else may pass."""
    try:
        said = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        said = body.decode(errors="replace")[:200]
    message = f"MLflow answered {code} to {method} {url.partition('?')[0]}: {said.strip()}"
    if 400 <= code < 500 and code not in (408, 429):
        return TrackingRefused(message)
    return TrackingError(message)
