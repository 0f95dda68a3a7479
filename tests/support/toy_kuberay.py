"""KubeRay and the user's code as a toy: heads that come and go, jobs that are submitted again on a new head."""

from __future__ import annotations

from collections import Counter
from typing import Any

from soloist.api.conditions import rfc3339
from soloist.core.objects import POD, RAY_CLUSTER, RAY_JOB, ObjectRef
from soloist.kinds.run.names import ATTEMPT_LABEL, STEP_LABEL
from tests.support.fake_cluster import FakeCluster
from tests.support.fake_ports import FakeClock

FINALIZER = "ray.io/rayjob-finalizer"
FIRST_LINE = "Job entrypoint command failed with exit code 1, last available logs (truncated to 20,000 chars):"


class ToyKubeRay:
    """`look` is one round of its loop. What the jobs do is told from outside."""

    def __init__(self, cluster: FakeCluster, clock: FakeClock) -> None:
        self.cluster = cluster
        self.clock = clock
        self.running: dict[str, str] = {}
        """UID of a RayJob whose command runs now → its step."""
        self.jobs: Counter[tuple[str, str]] = Counter()
        """(step, attempt) → RayJobs whose command was ever started."""
        self.starts: Counter[str] = Counter()
        """Step → how often its command was started."""
        self.resubmitted: Counter[str] = Counter()
        """Step → how often only because a head was lost."""
        self._known: set[str] = set()

    def look(self) -> bool:
        """One round; whether anything moved."""
        before = len(self.cluster.writes), str(self.cluster.objects), str(self.running)
        self._heads()
        # The newest first: an attempt whose predecessor still runs must not have been made.
        for ref, job in reversed(self._all(RAY_JOB)):
            self._job(ref, job)
        return before != (len(self.cluster.writes), str(self.cluster.objects), str(self.running))

    def _all(self, kind: Any) -> list[tuple[ObjectRef, dict[str, Any]]]:
        return [
            (ref, body) for ref, body in sorted(self.cluster.objects.items()) if ref.kind == kind
        ]

    def _heads(self) -> None:
        """Every cluster has one head; a cluster that is gone takes its head and its jobs' commands with it."""
        clusters = {ref.name: (ref, body) for ref, body in self._all(RAY_CLUSTER)}
        for ref, pod in self._all(POD):
            if pod["metadata"]["name"].removesuffix("-head") not in clusters:
                del self.cluster.objects[ref]
                self.running.clear()
        for name, (ref, body) in clusters.items():
            pod_ref = ObjectRef(POD, ref.namespace, f"{name}-head")
            if pod_ref not in self.cluster.objects:
                template = body["spec"]["headGroupSpec"]["template"]
                meta = {"name": pod_ref.name, "namespace": ref.namespace, **template["metadata"]}
                self.cluster.add(POD, {"metadata": meta, "status": {}})
            if not self._is_ready(body):
                self._set_head(ref, "True")

    def _is_ready(self, body: dict[str, Any]) -> bool:
        conditions = (body.get("status") or {}).get("conditions") or ()
        return any(one["status"] == "True" for one in conditions)

    def _set_head(self, ref: ObjectRef, status: str) -> None:
        told = {"type": "HeadPodReady", "status": status, "reason": "x", "message": ""}
        self.cluster.edit(ref, status={"state": "ready", "conditions": [told]})

    def _job(self, ref: ObjectRef, job: dict[str, Any]) -> None:
        meta, status = job["metadata"], job.get("status") or {}
        uid = meta["uid"]
        if "deletionTimestamp" in meta:
            self.running.pop(uid, None)
            del self.cluster.objects[ref]
        elif not status:
            self.cluster.edit(ref, metadata={**meta, "finalizers": [FINALIZER]})
            began = {"jobDeploymentStatus": "Running", "startTime": rfc3339(self.clock.now())}
            self.cluster.edit(ref, status=began)
            self._submit(ref, self.cluster.objects[ref])
        elif status["jobDeploymentStatus"] == "Running" and uid not in self.running:
            self._submit(ref, job)

    def _submit(self, ref: ObjectRef, job: dict[str, Any]) -> None:
        name = job["spec"]["clusterSelector"]["ray.io/cluster"]
        head = self.cluster.objects.get(ObjectRef(RAY_CLUSTER, ref.namespace, name))
        if head is None or not self._is_ready(head):
            return
        labels, uid = job["metadata"]["labels"], job["metadata"]["uid"]
        step = labels[STEP_LABEL]
        assert step not in self.running.values(), f"two attempts of {step} at once"
        self.running[uid] = step
        self.starts[step] += 1
        if uid in self._known:
            self.resubmitted[step] += 1
        else:
            self.jobs[step, labels[ATTEMPT_LABEL]] += 1
        self._known.add(uid)
        self.cluster.edit(ref, status={**job["status"], "jobStatus": "RUNNING"})

    # -- what happens to jobs and heads

    def end(self, uid: str, word: str) -> None:
        """The command ends: Succeeded, or a reason of the runner's, or Disrupted (nobody says anything)."""
        self.running.pop(uid)
        ref, job = next(
            (r, body) for r, body in self._all(RAY_JOB) if body["metadata"]["uid"] == uid
        )
        told = {"endTime": rfc3339(self.clock.now())}
        if word == "Succeeded":
            told |= {"jobDeploymentStatus": "Complete", "jobStatus": "SUCCEEDED"}
        else:
            said = f'soloist-outcome: {{"reason": "{word}", "exitCode": 1}}'
            lost = "Job supervisor actor died: the actor died unexpectedly."
            message = lost if word == "Disrupted" else f"{FIRST_LINE}\nboom\n{said}"
            told |= {"jobDeploymentStatus": "Failed", "jobStatus": "FAILED", "message": message}
        self.cluster.edit(ref, status={**job["status"], **told})

    def time_out(self, uid: str) -> None:
        """Its deadline passes: KubeRay gives it up, and stops it only when the RayJob is deleted."""
        ref, job = next(
            (r, body) for r, body in self._all(RAY_JOB) if body["metadata"]["uid"] == uid
        )
        told = {
            "jobDeploymentStatus": "Failed",
            "reason": "DeadlineExceeded",
            "message": "too long",
        }
        self.cluster.edit(ref, status={**job["status"], **told})

    def lose_heads(self, *, out_of_memory: bool = False) -> None:
        """Every head goes, with the commands on it; after an OOM kill the same pod comes back and tells."""
        self.running.clear()
        for ref, _ in self._all(RAY_CLUSTER):
            self._set_head(ref, "False")
        for ref, _ in self._all(POD):
            if not out_of_memory:
                del self.cluster.objects[ref]
                continue
            ended = {
                "reason": "OOMKilled",
                "exitCode": 137,
                "finishedAt": rfc3339(self.clock.now()),
            }
            told = {
                "name": "ray-head",
                "ready": True,
                "state": {},
                "lastState": {"terminated": ended},
            }
            self.cluster.edit(ref, status={"containerStatuses": [told]})
