"""Kubernetes objects as values: references, labels, owners, names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Manifest = Mapping[str, Any]

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "soloist"
OWNER_KIND = "soloist.dev/kind"
OWNER_NAME = "soloist.dev/name"
OWNER_UID = "soloist.dev/uid"
FINALIZER = "soloist.dev/finalizer"


@dataclass(frozen=True, slots=True, order=True)
class KindRef:
    """One resource of the API server."""

    api_version: str
    kind: str
    plural: str


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """One object of the API server."""

    kind: KindRef
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One of our own objects: what the queue holds."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


SERVICE_ACCOUNT = KindRef("v1", "ServiceAccount", "serviceaccounts")
VOLUME_CLAIM = KindRef("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
SERVICE = KindRef("v1", "Service", "services")
CONFIG_MAP = KindRef("v1", "ConfigMap", "configmaps")
SECRET = KindRef("v1", "Secret", "secrets")
RESOURCE_QUOTA = KindRef("v1", "ResourceQuota", "resourcequotas")
POD = KindRef("v1", "Pod", "pods")
EVENT = KindRef("v1", "Event", "events")
DEPLOYMENT = KindRef("apps/v1", "Deployment", "deployments")
AUTOSCALER = KindRef("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
DISRUPTION_BUDGET = KindRef("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
NETWORK_POLICY = KindRef("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
INGRESS = KindRef("networking.k8s.io/v1", "Ingress", "ingresses")
HTTP_ROUTE = KindRef("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
PROJECT = KindRef("soloist.dev/v1alpha1", "Project", "projects")
PIPELINE = KindRef("soloist.dev/v1alpha1", "Pipeline", "pipelines")
RUN = KindRef("soloist.dev/v1alpha1", "Run", "runs")
MODEL_ENDPOINT = KindRef("soloist.dev/v1alpha1", "ModelEndpoint", "modelendpoints")
RAY_CLUSTER = KindRef("ray.io/v1", "RayCluster", "rayclusters")
RAY_JOB = KindRef("ray.io/v1", "RayJob", "rayjobs")


def owner_labels(kind: str, name: str, uid: str) -> dict[str, str]:
    """Labels of every child: by them it is found again, by the UID it is known to be ours."""
    return {
        MANAGED_BY: MANAGER,
        OWNER_KIND: kind,
        OWNER_NAME: name,
        OWNER_UID: uid,
    }


def owner_reference(api_version: str, kind: str, name: str, uid: str) -> dict[str, Any]:
    """The reference by which Kubernetes deletes a child with its owner."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def is_owned_by(manifest: Manifest, uid: str) -> bool:
    """Whether the live object has this owner: the only ground on which we ever delete or change one."""
    refs = manifest["metadata"].get("ownerReferences") or ()
    return any(ref["uid"] == uid for ref in refs)


def reference_of(manifest: Manifest, kind: KindRef) -> ObjectRef:
    """Where the object lives."""
    meta = manifest["metadata"]
    return ObjectRef(kind, meta.get("namespace", ""), meta["name"])


def shorten(name: str, limit: int) -> str:
    """`name` if it fits; else its beginning and a digest of the whole, so that two long names stay two."""
    if len(name) <= limit:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: limit - 9].rstrip('-.')}-{mark}"


def digest(value: object) -> str:
    """A short digest of any JSON value, equal for equal values whatever their key order."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
