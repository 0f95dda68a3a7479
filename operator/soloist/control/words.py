"""What an error of the API server means, in one sentence: the only place where its codes become outcomes."""

from __future__ import annotations

from soloist.api.conditions import Reason
from soloist.control.ports import ClusterError, KindMissing
from soloist.core.effects import Problem
from soloist.core.objects import KindRef, ObjectRef
from soloist.core.outcome import Failed

# Another writer was faster, the object is gone, or the API server is busy: the next look sees what is true then.
TRANSIENT_CODES = frozenset({0, 404, 408, 409, 410, 429, 500, 502, 503, 504})


def is_transient(error: ClusterError) -> bool:
    """Whether the error says nothing that a person should hear."""
    return error.code in TRANSIENT_CODES


def missing(kind: KindRef) -> Problem:
    """Why a kind that the API server does not know keeps us from going on."""
    group, _, _ = kind.api_version.partition("/")
    if group == "ray.io":
        return Problem(
            Reason.KUBERAY_MISSING,
            f"KubeRay is not installed in this cluster: the API server does not know the kind {kind.kind} "
            f"({kind.api_version}). Ask an administrator to install KubeRay, for example with "
            "`helm install kuberay-operator kuberay/kuberay-operator`; this goes on by itself then.",
        )
    if group == "gateway.networking.k8s.io":
        return Problem(
            Reason.GATEWAY_API_MISSING,
            f"The Gateway API is not installed in this cluster: the API server does not know the kind {kind.kind} "
            f"({kind.api_version}). Ask an administrator to install it with a controller, or use "
            "spec.gateway.expose.ingress; this goes on by itself then.",
        )
    return Problem(
        Reason.REFUSED,
        f"The API server does not know the kind {kind.kind} ({kind.api_version}). Ask an administrator to install its "
        "CustomResourceDefinition; this goes on by itself then.",
    )


def not_ours(ref: ObjectRef) -> Failed:
    """A name that we need is taken."""
    return Failed(
        Reason.NOT_OURS,
        f"{ref} exists already and does not belong to this object, so it is left alone. Rename this object, or "
        f"delete that one: kubectl delete {ref.kind.kind.lower()} {ref.name} --namespace {ref.namespace}.",
    )


def failure(error: ClusterError | KindMissing, ref: ObjectRef) -> Failed:
    """Why a write did not go through, and what to do."""
    if isinstance(error, KindMissing):
        problem = missing(ref.kind)
        return Failed(problem.reason, problem.message)
    text = str(error).rstrip(".")
    if error.code == 403 and "exceeded quota" in text:
        quota = text[text.index("exceeded quota") :]
        return Failed(
            Reason.QUOTA_EXCEEDED,
            f"{ref} does not fit into the namespace's quota: {quota}. Ask for less in the spec, delete what is no "
            "longer needed, or have the ResourceQuota raised.",
        )
    if error.code == 403 and "is being terminated" in text:
        return Failed(
            Reason.REFUSED,
            f"{ref} is not made, because its namespace is being deleted. There is nothing to correct; to keep what is "
            "there, apply it to another namespace.",
        )
    if error.code == 403 and "cannot" in text:
        return Failed(
            Reason.REFUSED,
            f"The operator has no right to change {ref}: {text}. Ask an administrator to upgrade the Soloist chart, "
            "whose ClusterRole grants it.",
        )
    return Failed(
        Reason.REFUSED,
        f"The API server refused {ref}: {text}. Correct the field of the spec that this came from.",
    )
