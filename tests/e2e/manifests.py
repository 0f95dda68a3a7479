"""Small objects that stories apply."""

from __future__ import annotations

from typing import Any

from tests.e2e.kubectl import Manifest

API = "soloist.dev/v1alpha1"


def code(name: str, **files: str) -> Manifest:
    """A ConfigMap with code; `train_py` becomes `train.py`."""
    named = {".".join(key.rsplit("_", 1)): text for key, text in files.items()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": named}


def step(name: str, command: str, **more: Any) -> dict[str, Any]:
    """A step that leaves room for others on two cores."""
    return {"name": name, "command": command, "cpu": "300m", **more}


def project(
    name: str, *steps: dict[str, Any], source: dict[str, Any] | None = None, **more: Any
) -> Manifest:
    """A Project whose code is the ConfigMap `<name>-code` unless said otherwise; extra fields go into its spec."""
    pipeline = {"steps": list(steps), **more.pop("pipeline", {})}
    chosen = source or {"configMap": f"{name}-code"}
    spec = {"source": chosen, "pipeline": pipeline, **more}
    return {"apiVersion": API, "kind": "Project", "metadata": {"name": name}, "spec": spec}


def pipeline(name: str, *steps: dict[str, Any], **more: Any) -> Manifest:
    """A Pipeline without a Project."""
    spec = {"source": {"configMap": f"{name}-code"}, "steps": list(steps), **more}
    return {"apiVersion": API, "kind": "Pipeline", "metadata": {"name": name}, "spec": spec}


def endpoint(name: str, model: str, **more: Any) -> Manifest:
    """A ModelEndpoint without a Project; extra fields go into its spec."""
    spec = {"model": model, "cpu": "50m", **more}
    return {"apiVersion": API, "kind": "ModelEndpoint", "metadata": {"name": name}, "spec": spec}


def quota(name: str, **hard: str) -> Manifest:
    """A ResourceQuota; `requests_memory` becomes `requests.memory`."""
    limits = {key.replace("_", "."): value for key, value in hard.items()}
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}}
    return {**body, "spec": {"hard": limits}}


def secret(name: str, **values: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}


def tls_secret(name: str, files: dict[str, str]) -> Manifest:
    """A certificate and its key, as `tls.crt` and `tls.key`."""
    return {**secret(name, **files), "type": "kubernetes.io/tls"}
