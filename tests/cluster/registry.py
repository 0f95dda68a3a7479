"""Debian's image registry on loopback. A push moves only the layers that changed, and the kubelet pulls as from any other."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from tests.cluster import files, processes
from tests.cluster.layout import State, cache
from tests.cluster.phases import until
from tests.cluster.servers import LOOPBACK
from tests.cluster.servers import registry as server

PORT = 5000
# By this name containerd, buildah and docker alike speak plain HTTP.
HOST = f"localhost:{PORT}"
MANIFEST_TYPES = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


def ensure(state: State) -> None:
    """Up and answering. Its store lies beside the cluster, so that a new cluster finds the images."""
    config = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(cache() / "registry")},
            "delete": {"enabled": True},
        },
        "http": {"addr": f"{LOOPBACK}:{PORT}"},
    }
    with files.lock(cache() / "registry.lock"):
        files.write(state.config("registry.json"), json.dumps(config))
        processes.ensure(state, server(state, PORT))
    until("The registry's answer", answers, within=20, every=0.05)


def answers() -> bool:
    return head("") is not None


def holds(name: str, tag: str) -> bool:
    """Whether an image is there, whole: a manifest is refused until its layers are."""
    return head(f"{name}/manifests/{tag}") is not None


def head(path: str) -> str | None:
    request = urllib.request.Request(
        f"http://{LOOPBACK}:{PORT}/v2/{path}",
        headers={"Accept": MANIFEST_TYPES},
        method="HEAD" if path else "GET",
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            request, timeout=5
        ) as answer:
            return str(answer.headers.get("Docker-Content-Digest", ""))
    except (urllib.error.URLError, OSError):
        return None
