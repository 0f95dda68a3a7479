"""What happens to an endpoint while it is under load: things that somebody wants, and things that befall it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from tests.e2e.eventually import eventually
from tests.e2e.world import MLFLOW, POSTGRES
from tests.endurance.ward import NAME, Ward

GATEWAY = f"{NAME}-gateway"

# Each returns what was measured in it, as words for the page.
Event = Callable[[Ward], str]


def rolling_update(ward: Ward) -> str:
    """The owner changes the pods' memory, three times."""
    for memory in ("520Mi", "528Mi", "512Mi"):
        ward.apply(memory=memory)
        _rolled_out(ward, f"deployment/{NAME}-v{ward.champion()}")
    return ""


def promotion(ward: Ward) -> str:
    """A good version goes through its canary to champion."""
    version = ward.other()
    began = time.monotonic()
    ward.world.mlflow.set_alias(ward.model, "candidate", version)
    ward.until_champion(version, within=90)
    return f"alias to champion {time.monotonic() - began:.0f} s"


def rollback(ward: Ward) -> str:
    """Twice by hand to the version before."""
    took = []
    for _ in range(2):
        before, after = ward.champion(), ward.other()
        began = time.monotonic()
        ward.annotate("rollback", before)
        ward.until_champion(after, within=60)
        took.append(time.monotonic() - began)
        ward.annotate("retry", before)
        ward.annotate("promote", before)
        ward.until_champion(before, within=60)
    return f"back after {max(took):.1f} s"


def scaling(ward: Ward) -> str:
    """1, 3, 1 pods and back to 2."""
    for pods in (1, 3, 1, 2):
        ward.apply(pods=pods)
        ward.until_pods(pods, within=60)
    return ""


def gateway_restart(ward: Ward) -> str:
    """Both gateways are replaced, twice."""
    for _ in range(2):
        where = ("-n", ward.room.namespace, f"deployment/{GATEWAY}")
        ward.room.kubectl("rollout", "restart", *where)
        _rolled_out(ward, f"deployment/{GATEWAY}")
    return ""


def eviction(ward: Ward) -> str:
    """Every pod of the endpoint is evicted, as when its node is drained."""
    chosen = f"soloist.dev/name={NAME}"
    pods = [pod["metadata"]["name"] for pod in ward.room.all("pods", chosen)]
    for pod in pods:
        eventually(functools.partial(ward.room.evict, pod), within=60, what=f"{pod} to be let go")
    eventually(lambda: _is_whole(ward), within=60, what="the endpoint to be whole")
    return f"{len(pods)} pods"


def platform_restart(ward: Ward) -> str:
    """The operators, MLflow, PostgreSQL and CoreDNS are killed, one after the other."""
    world = ward.world
    for pod in world.operator_pods():
        world.kill(pod["metadata"]["name"])
    for name, namespace in ((MLFLOW, None), (POSTGRES, None), ("coredns", "kube-system")):
        for pod in world.pods_like(name, namespace):
            world.kill(pod["metadata"]["name"], namespace)
    eventually(world.is_whole, within=90, what="the platform to be whole")
    return ""


def champion_killed(ward: Ward) -> str:
    """All pods of the champion at once."""
    pods = [pod["metadata"]["name"] for pod in ward.room.servers_of(NAME, ward.champion())]
    ward.room.kubectl(
        "delete", "pods", *pods, "-n", ward.room.namespace, "--grace-period=0", "--force", "--wait=false",
    )  # fmt: skip
    ward.room.until(
        "modelendpoints", NAME, lambda seen: seen.get("rung") == "previous", within=15, what="to have failed over",
    )  # fmt: skip
    ward.room.until(
        "modelendpoints", NAME, lambda seen: seen.get("rung") == "champion", within=60, what="to be back",
    )  # fmt: skip
    return ""


def _rolled_out(ward: Ward, what: str) -> None:
    ward.room.kubectl(
        "rollout", "status", what, "-n", ward.room.namespace, "--timeout=100s", within=110
    )


def _is_whole(ward: Ward) -> bool:
    deployments = ward.room.all("deployments")
    return all(
        one["status"].get("readyReplicas", 0) == one["spec"]["replicas"] for one in deployments
    )
