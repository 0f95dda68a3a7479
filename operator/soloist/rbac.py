"""What the operator may do: the one table from which its ClusterRole is generated.

One line per reason. What the executor calls and this table lacks fails with 403 in the API-server tier, which runs under this
role; what the table has and nobody calls fails the test that compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from soloist.core import objects
from soloist.core.objects import KindRef

_GENERATED_KINDS = (objects.PIPELINE, objects.RUN, objects.MODEL_ENDPOINT)
OWN_KINDS = (objects.PROJECT, *_GENERATED_KINDS)
CHILD_KINDS = (
    objects.SERVICE_ACCOUNT,
    objects.VOLUME_CLAIM,
    objects.SERVICE,
    objects.CONFIG_MAP,
    objects.DEPLOYMENT,
    objects.AUTOSCALER,
    objects.DISRUPTION_BUDGET,
    objects.NETWORK_POLICY,
    objects.INGRESS,
    objects.HTTP_ROUTE,
    objects.RAY_CLUSTER,
    objects.RAY_JOB,
)
READ = ("get", "list", "watch")
# Server-side apply is a patch; of an object that doesn't exist yet, a create as well.
APPLY = ("create", "patch")


@dataclass(frozen=True, slots=True)
class Grant:
    """Verbs on resources of one API group."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    why: str

    def rule(self) -> dict[str, Any]:
        """One rule of a role."""
        return {
            "apiGroups": [self.group],
            "resources": list(self.resources),
            "verbs": list(self.verbs),
        }


def operator_grants() -> tuple[Grant, ...]:
    """What the operator's ClusterRole holds."""
    own = _plurals(OWN_KINDS)
    return (
        *_grants(OWN_KINDS, READ, "our kinds"),
        *_grants(_GENERATED_KINDS, (*APPLY, "delete"), "children of our kinds; a Run's finalizer"),
        Grant("soloist.dev", tuple(f"{it}/status" for it in own), ("patch",), "write status"),
        Grant(
            "soloist.dev",
            tuple(f"{it}/finalizers" for it in own),
            ("update",),
            "owner references that block deletion, where OwnerReferencesPermissionEnforcement is on",
        ),
        *_grants(CHILD_KINDS, (*READ, *APPLY, "delete"), "children"),
        *_grants(
            (objects.SECRET,),
            ("get",),
            "credentials of a Git server; whether a gateway's Secrets are there: by the name in a spec",
        ),
        *_grants((objects.POD,), ("list", "watch"), "why a pod does not start"),
        *_grants(
            (objects.POD,), ("patch",), "an annotation makes a gateway's new routes live at once"
        ),
        *_grants((objects.RESOURCE_QUOTA,), ("list",), "whether two versions of a model fit"),
        Grant("", ("pods/log",), ("get",), "the last lines of a step"),
        Grant(
            "apiextensions.k8s.io",
            ("customresourcedefinitions",),
            ("list", "watch"),
            "KubeRay or the Gateway API, installed later, is noticed",
        ),
    )


def user_grants() -> dict[str, tuple[Grant, ...]]:
    """What the cluster's own roles `view` and `edit` (and so `admin`) learn: who may act in a namespace may use Soloist there."""
    own = _plurals(OWN_KINDS)
    every = (*own, *(f"{it}/status" for it in own))
    writes = ("create", "update", "patch", "delete", "deletecollection")
    return {
        "view": (Grant("soloist.dev", every, READ, "look"),),
        "edit": (Grant("soloist.dev", own, writes, "act"),),
    }


def _grants(kinds: Iterable[KindRef], verbs: tuple[str, ...], why: str) -> Iterator[Grant]:
    by_group: dict[str, list[KindRef]] = {}
    for kind in kinds:
        by_group.setdefault(_group(kind), []).append(kind)
    for group, members in by_group.items():
        yield Grant(group, _plurals(members), verbs, why)


def _plurals(kinds: Iterable[KindRef]) -> tuple[str, ...]:
    return tuple(kind.plural for kind in kinds)


def _group(kind: KindRef) -> str:
    group, slash, _ = kind.api_version.rpartition("/")
    return group if slash else ""
