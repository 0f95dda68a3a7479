"""The cluster as a user sees it: kubectl for what she does, the API server's own answers for what is looked at."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

Manifest = dict[str, Any]

PATHS: Mapping[str, str] = {
    "projects": "/apis/soloist.dev/v1alpha1",
    "pipelines": "/apis/soloist.dev/v1alpha1",
    "runs": "/apis/soloist.dev/v1alpha1",
    "modelendpoints": "/apis/soloist.dev/v1alpha1",
    "rayclusters": "/apis/ray.io/v1",
    "rayjobs": "/apis/ray.io/v1",
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
    "leases": "/apis/coordination.k8s.io/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
    "ingresses": "/apis/networking.k8s.io/v1",
    "httproutes": "/apis/gateway.networking.k8s.io/v1",
    "networkpolicies": "/apis/networking.k8s.io/v1",
    "poddisruptionbudgets": "/apis/policy/v1",
}


class Refused(AssertionError):
    """kubectl ended badly; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """One cluster. `server` is the loopback address of a `kubectl proxy`: plain HTTP, whatever the login is."""

    binary: str
    environment: Mapping[str, str]
    server: str

    def __call__(self, *words: str, stdin: str | None = None, within: float = 60) -> str:
        done = subprocess.run(
            [self.binary, *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=within,
            env={**os.environ, **self.environment},
        )
        if done.returncode != 0:
            raise Refused(
                f"kubectl {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}"
            )
        return done.stdout

    def apply(self, *manifests: Manifest, namespace: str) -> None:
        """As `kubectl apply -f -` does it."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
        self("apply", "-n", namespace, "-f", "-", stdin=text)

    def get(self, plural: str, name: str, namespace: str) -> Manifest | None:
        """The object as it is now, or None."""
        answer = httpx.get(self.url(plural, namespace, name), timeout=20)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        found: Manifest = answer.json()
        return found

    def all(self, plural: str, namespace: str, labels: str = "") -> list[Manifest]:
        """The objects of a kind in a namespace, oldest first."""
        asked = {"labelSelector": labels} if labels else {}
        answer = httpx.get(self.url(plural, namespace), params=asked, timeout=20)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []  # the kind itself is not there
        answer.raise_for_status()
        items: list[Manifest] = answer.json()["items"]
        return sorted(items, key=lambda item: str(item["metadata"]["creationTimestamp"]))

    def url(self, plural: str, namespace: str, name: str = "") -> str:
        """Where the API server keeps it."""
        root = f"{self.server}{PATHS.get(plural, '/api/v1')}/namespaces/{namespace}/{plural}"
        return f"{root}/{name}" if name else root

    def service(self, namespace: str, name: str, port: str = "http") -> str:
        """A Service's address through the API server: no need to be on the pods' network."""
        return f"{self.url('services', namespace, name)}:{port}/proxy"


@contextlib.contextmanager
def connect(binary: str, environment: Mapping[str, str]) -> Iterator[Kubectl]:
    """A Kubectl with its own proxy on a free port of loopback."""
    command = [binary, "proxy", "--port=0", "--address=127.0.0.1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as proxy:
        try:
            assert proxy.stdout is not None
            said = proxy.stdout.readline()  # "Starting to serve on 127.0.0.1:34567"
            assert ":" in said, f"kubectl proxy did not start: {said!r}"
            yield Kubectl(binary, environment, f"http://127.0.0.1:{said.rsplit(':', 1)[1].strip()}")
        finally:
            proxy.terminate()


def read_manifest(path: Path) -> Manifest:
    """A file with one JSON manifest."""
    found: Manifest = json.loads(path.read_text())
    return found
