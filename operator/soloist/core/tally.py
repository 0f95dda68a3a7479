"""How a live object is doing, read from its status: pods, Deployments, Ray clusters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from soloist.api.conditions import Reason
from soloist.core.effects import Problem
from soloist.core.objects import Manifest

_PULL = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_CONFIG = frozenset({"CreateContainerConfigError", "CreateContainerError"})
# Between two tries the kubelet tells the last error behind these words; without them it says the same all the time.
_BACK_OFF = re.compile(r'^Back-off pulling image "[^"]*"(: \w+: )?')


def condition(manifest: Manifest, kind: str) -> Manifest | None:
    """The status condition of that type."""
    conditions = (manifest.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one["type"] == kind), None)


def is_ready(pod: Manifest) -> bool:
    """Whether the kubelet says that it takes requests."""
    told = condition(pod, "Ready")
    return told is not None and told["status"] == "True"


def quota_problem(message: str) -> Problem | None:
    """The problem in a message of the API server's quota check, if it is one."""
    if "exceeded quota" not in message:
        return None
    words = sentence(_first_line(message[message.index("exceeded quota") :]))
    return Problem(
        Reason.QUOTA_EXCEEDED,
        f"The namespace's ResourceQuota leaves no room: {words} Ask for less cpu or memory,"
        " end something else, or ask the administrator for a larger quota.",
    )


def _container_statuses(pod: Manifest) -> Iterable[Manifest]:
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def pod_problem(pod: Manifest) -> Problem | None:
    """What keeps a pod from running, if something does. One that is on its way out is nobody's concern."""
    name = pod["metadata"]["name"]
    if "deletionTimestamp" in pod["metadata"]:
        return None
    for container in _container_statuses(pod):
        found = _container_problem(name, container)
        if found is not None:
            return found
    scheduled = condition(pod, "PodScheduled")
    if scheduled is not None and scheduled["status"] == "False":
        return _placement_problem(name, sentence(scheduled.get("message", "")))
    return None


def _placement_problem(pod: str, said: str) -> Problem:
    if "persistentvolumeclaim" in said.lower():
        return Problem(
            Reason.STORAGE_PENDING,
            f"Pod {pod} waits for its volume: {said} See why it is not there:"
            " kubectl get persistentvolumeclaims, kubectl get events.",
        )
    return Problem(
        Reason.UNSCHEDULABLE,
        f"No node has room for pod {pod}: {said} Ask for less cpu or memory, or ask the"
        " administrator for more nodes.",
    )


def _container_problem(pod: str, container: Manifest) -> Problem | None:
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason, said = waiting.get("reason", ""), _first_line(waiting.get("message", ""))
    if reason in _PULL:
        said = _BACK_OFF.sub("", said)
        return Problem(
            Reason.IMAGE_PULL_FAILED,
            f"Image {container.get('image', '')} can't be pulled for pod {pod}:"
            f" {sentence(said or reason)} Correct the image's name, or give the cluster access to its registry.",
        )
    if reason in _CONFIG:
        kind = Reason.SECRET_MISSING if "secret" in said.lower() else Reason.POD_FAILED
        return Problem(
            kind,
            f"Pod {pod} can't start: {sentence(said)} Create what is missing in this namespace, or correct"
            " its name.",
        )
    ended = _last_end(container)
    # Not only while it waits for its next start: the same words before, during and after a try, or they would flap.
    if container.get("ready") or ended is None or ended.get("exitCode") == 0:
        return None
    return _crash_problem(pod, container, ended)


def _last_end(container: Manifest) -> Manifest | None:
    """How the container ended, if it has ended and is not up again."""
    for state in ("state", "lastState"):
        ended: Manifest | None = (container.get(state) or {}).get("terminated")
        if ended:
            return ended
    return None


def _crash_problem(pod: str, container: Manifest, ended: Manifest) -> Problem:
    if ended.get("reason") == "OOMKilled":
        return Problem(
            Reason.OUT_OF_MEMORY,
            f"Container {container['name']} of pod {pod} ran out of memory. Give it more memory.",
        )
    said = _last_line(ended.get("message", "")) or f"exit code {ended.get('exitCode')}"
    return Problem(
        Reason.POD_FAILED,
        f"Container {container['name']} of pod {pod} keeps failing: {sentence(said)} Read its log:"
        f" kubectl logs {pod} -c {container['name']} --previous.",
    )


def sentence(text: str) -> str:
    """The text with a full stop at its end."""
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:300] if text.strip() else ""


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1][:300] if text.strip() else ""


def out_of_memory_at(pod: Manifest, container: str) -> str | None:
    """When the container last died of lack of memory (RFC 3339), if it did."""
    for status in _container_statuses(pod):
        if status["name"] != container:
            continue
        for state in ("state", "lastState"):
            ended = (status.get(state) or {}).get("terminated") or {}
            if ended.get("reason") == "OOMKilled":
                return str(ended.get("finishedAt", ""))
    return None


def deployment_problem(deployment: Manifest) -> Problem | None:
    """What keeps a Deployment from making its pods, if something does."""
    failure = condition(deployment, "ReplicaFailure")
    if failure is None or failure["status"] != "True":
        return None
    message = failure.get("message", "")
    return quota_problem(message) or Problem(
        Reason.POD_FAILED,
        f"Deployment {deployment['metadata']['name']} can't make its pods:"
        f" {sentence(_first_line(message))}",
    )


def ready_pods(deployment: Manifest) -> int:
    """Pods that answer now, of whatever template."""
    return int((deployment.get("status") or {}).get("readyReplicas", 0))


def ready_replicas(deployment: Manifest) -> int:
    """Pods of the current template that are surely ready: all ready ones but as many as there are of older templates."""
    status: dict[str, Any] = deployment.get("status") or {}
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 1):
        return 0
    older = int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))
    return max(0, ready_pods(deployment) - older)


def ray_cluster_is_ready(cluster: Manifest) -> bool:
    """Whether the cluster takes jobs now: provisioned once, and its head pod ready at present."""
    status = cluster.get("status") or {}
    head = condition(cluster, "HeadPodReady")
    return status.get("state") == "ready" and (head is None or head["status"] == "True")


def ray_cluster_problem(cluster: Manifest) -> Problem | None:
    """What keeps KubeRay from making the cluster's pods, if something does."""
    failure = condition(cluster, "ReplicaFailure")
    status = cluster.get("status") or {}
    message = failure.get("message", "") if failure and failure["status"] == "True" else ""
    message = message or status.get("reason", "")
    if not message:
        return None
    # KubeRay writes its own word on the first line and the API server's answer on the next.
    said = sentence(_last_line(message))
    return quota_problem(message) or Problem(
        Reason.POD_FAILED,
        f"KubeRay can't make the Ray cluster {cluster['metadata']['name']}: {said}",
    )
