"""Whoever else lives in a cluster: KubeRay, the Deployment controller, the garbage collector, the user's code."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from soloist.control.ports import Cluster
from soloist.core.objects import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    MODEL_ENDPOINT,
    NETWORK_POLICY,
    OWNER_UID,
    PIPELINE,
    PROJECT,
    RAY_CLUSTER,
    RAY_JOB,
    RUN,
    SERVICE,
    SERVICE_ACCOUNT,
    VOLUME_CLAIM,
    KindRef,
    Manifest,
    ObjectRef,
    reference_of,
)
from tests.support.fake_tracking import FakeTracking

OWN = (PROJECT, PIPELINE, RUN, MODEL_ENDPOINT)
MADE = (
    SERVICE_ACCOUNT,
    VOLUME_CLAIM,
    NETWORK_POLICY,
    SERVICE,
    RAY_CLUSTER,
    RAY_JOB,
    DEPLOYMENT,
    AUTOSCALER,
    DISRUPTION_BUDGET,
)
EVERYTHING = (*OWN, *MADE, CONFIG_MAP)
JOB_DONE = {"jobDeploymentStatus": "Complete", "jobStatus": "SUCCEEDED"}


class Hands(Protocol):
    """What somebody else does to objects, in the fake or in a real API server."""

    async def set_status(self, ref: ObjectRef, status: Mapping[str, Any]) -> None:
        """Write a status, as its controller."""

    async def remove(self, ref: ObjectRef) -> None:
        """Delete, as anybody."""


@dataclass
class Player:
    """Moves everything that waits for somebody else; `play` tells whether anything moved."""

    cluster: Cluster
    hands: Hands
    tracking: FakeTracking
    namespace: str
    ends_jobs: bool = True
    """Whether the user's code comes to its end."""

    async def play(self) -> bool:
        moves = [await self._play(kind) for kind in (RAY_CLUSTER, RAY_JOB, DEPLOYMENT)]
        return any(moves) or await self._collect()

    async def _play(self, kind: KindRef) -> bool:
        moved = False
        for body in await self.cluster.list(kind, self.namespace, {}):
            ref, status = reference_of(body, kind), _next_status(kind, body)
            if status is None or (kind == RAY_JOB and not self.ends_jobs):
                continue
            if kind == RAY_JOB:
                await self._run_code(body)
            await self.hands.set_status(ref, status)
            moved = True
        return moved

    async def _run_code(self, job: Manifest) -> None:
        """The user's code logs a metric and, once, a model."""
        uid = job["metadata"]["labels"][OWNER_UID]
        for (experiment, owner), run in list(self.tracking.runs.items()):
            if owner == uid:
                await self.tracking.log_metric(experiment, uid, "mae", 1.5)
                if not run.models:
                    await self.tracking.log_model(experiment, uid, "model")

    async def _collect(self) -> bool:
        """Children whose owner is gone."""
        lists = await asyncio.gather(
            *(self.cluster.list(kind, self.namespace, {}) for kind in EVERYTHING)
        )
        bodies = [
            (kind, body) for kind, found in zip(EVERYTHING, lists, strict=True) for body in found
        ]
        alive = {body["metadata"]["uid"] for _, body in bodies}
        moved = False
        for kind, body in bodies:
            owners = body["metadata"].get("ownerReferences") or ()
            leaving = "deletionTimestamp" in body["metadata"]
            if owners and not leaving and not any(one["uid"] in alive for one in owners):
                await self.hands.remove(reference_of(body, kind))
                moved = True
        return moved


def _next_status(kind: KindRef, body: Manifest) -> Mapping[str, Any] | None:
    status = body.get("status") or {}
    if kind == RAY_CLUSTER and status.get("state") != "ready":
        head_ready = {"type": "HeadPodReady", "status": "True", "reason": "Ready"}
        moment = {"message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        return {"state": "ready", "conditions": [{**head_ready, **moment}]}
    if kind == RAY_JOB and status.get("jobStatus") != "SUCCEEDED":
        return JOB_DONE
    replicas = body["spec"].get("replicas", 1)
    generation = body["metadata"]["generation"]
    told = (status.get("readyReplicas"), status.get("observedGeneration"))
    if kind == DEPLOYMENT and told != (replicas, generation):
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        return {**dict.fromkeys(counts, replicas), "observedGeneration": generation}
    return None
