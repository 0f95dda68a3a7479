"""What every pod that we make has in common: locked down, nothing mounted that is not used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from soloist.api.amounts import canonical_quantity
from soloist.api.parse import Resource
from soloist.api.platform import Platform
from soloist.api.resources import API_VERSION
from soloist.api.v1alpha1.parts import EnvVar
from soloist.core.objects import owner_reference
from soloist.kinds import podenv

USER = 1000


def security() -> dict[str, Any]:
    """Pod-level half of the Pod Security Standard `restricted`; the group owns what the volumes hold."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        # Without this the kubelet walks a volume of many files at each start of a pod.
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    """Container-level half of `restricted`, and a read-only root."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def resources(cpu: str, memory: str) -> dict[str, Any]:
    """Requests and limits: memory is what was asked for; cpu may borrow what nobody else uses."""
    cores, size = canonical_quantity(cpu), canonical_quantity(memory)
    return {"requests": {"cpu": cores, "memory": size}, "limits": {"memory": size}}


def plain(env: Mapping[str, str]) -> list[dict[str, Any]]:
    """Environment variables with literal values."""
    # The API server drops an empty value; writing it would differ from the live object for ever.
    return [
        {"name": name, "value": value} if value else {"name": name} for name, value in env.items()
    ]


def user_env(variables: Sequence[EnvVar]) -> list[dict[str, Any]]:
    """The user's environment variables; a Secret's value is named, never read."""
    return [_user_variable(variable) for variable in variables]


def _user_variable(variable: EnvVar) -> dict[str, Any]:
    if variable.secret is None:
        return plain({variable.name: variable.value or ""})[0]
    reference = {"name": variable.secret.name, "key": variable.secret.key}
    return {"name": variable.name, "valueFrom": {"secretKeyRef": reference}}


def mlflow_env(platform: Platform) -> list[dict[str, Any]]:
    """How a pod reaches MLflow."""
    env = plain({podenv.MLFLOW_URI: platform.mlflow.tracking_uri})
    secret = platform.mlflow.credentials_secret
    if secret is None:
        return env
    return env + [
        {
            "name": f"MLFLOW_TRACKING_{key.upper()}",
            "valueFrom": {"secretKeyRef": {"name": secret, "key": key}},
        }
        for key in ("username", "password")
    ]


def placement(platform: Platform, service_account: str | None) -> dict[str, Any]:
    """Who the pod is and where it may run: the administrator's say. No API token is ever mounted."""
    spec: dict[str, Any] = {
        "serviceAccountName": service_account or "default",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": security(),
    }
    if platform.node_selector:
        spec["nodeSelector"] = dict(platform.node_selector)
    if platform.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in platform.image_pull_secrets]
    return spec


def scratch(name: str, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An empty volume and its mount: what a read-only root needs to write to."""
    return {"name": name, "emptyDir": {}}, {"name": name, "mountPath": path}


def ingress_policy(
    name: str, namespace: str, labels: Mapping[str, str], ingress: list[dict[str, Any]]
) -> dict[str, Any]:
    """A NetworkPolicy that lets only `ingress` through to the pods with these labels."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "podSelector": {"matchLabels": dict(labels)},
            "policyTypes": ["Ingress"],
            "ingress": ingress,
        },
    }


def spread(labels: Mapping[str, str]) -> dict[str, Any]:
    """Over machines where there are several; a cluster of one machine still gets all its pods."""
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(labels)},
    }


def rolling_deployment(
    name: str,
    namespace: str,
    *,
    labels: Mapping[str, str],
    replicas: int,
    selector: Mapping[str, str],
    template: Mapping[str, Any],
) -> dict[str, Any]:
    """A Deployment that has never fewer pods than it is told: a new one is ready before an old one goes."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": dict(selector)},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            },
            "template": dict(template),
        },
    }


def disruption_budget(name: str, namespace: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """A drained node takes one of the pods with these labels at a time."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": dict(labels)}},
    }


def adopted(
    owner: Resource[Any, Any], labels: Mapping[str, str], manifest: dict[str, Any]
) -> dict[str, Any]:
    """The manifest as a child of `owner`: by the labels it is found again, with its owner it is deleted."""
    meta = manifest["metadata"]
    meta["labels"] = {**labels, **meta.get("labels", {})}
    meta["ownerReferences"] = [
        owner_reference(API_VERSION, owner.kind, owner.name, owner.metadata.uid)
    ]
    return manifest
