"""How live objects are doing, from statuses as the kubelet, the Deployment controller and KubeRay write them."""

from __future__ import annotations

from typing import Any

import pytest

from soloist.core import tally

PULL = 'failed to pull and unpack image "x:1": not found'


def pod(
    *containers: dict[str, Any], inits: Any = (), scheduled: str | None = None
) -> dict[str, Any]:
    given = {"name": "server", "image": "x:1", "ready": False}
    conditions = [{"type": "PodScheduled", "status": "False", "message": scheduled}]
    status = {
        "containerStatuses": [{**given, **one} for one in containers],
        "initContainerStatuses": [{**given, "name": "fetch", **one} for one in inits],
        "conditions": conditions if scheduled else [],
    }
    return {"metadata": {"name": "p"}, "status": status}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason, "message": message}}}


def ended(code: int = 1, reason: str = "Error", message: str = "") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param({"metadata": {"name": "p"}}, id="no status yet"),
        pytest.param(pod(waiting("ContainerCreating")), id="being made"),
        pytest.param(
            pod(waiting("PodInitializing"), inits=[{"state": {"running": {}}}]), id="init"
        ),
        pytest.param(pod({"state": {"running": {}}}), id="loading"),
        pytest.param(pod({"state": ended(0, "Completed")}), id="completed"),
        pytest.param(
            pod({"state": {"running": {}}, "ready": True, "lastState": ended()}), id="up again"
        ),
        pytest.param(
            pod({"ready": True}, inits=[{"ready": True, "state": ended(0), "lastState": ended()}]),
            id="an init container that made it in the end",
        ),
    ],
)
def test_no_problem(seen: dict[str, Any]) -> None:
    assert tally.pod_problem(seen) is None


@pytest.mark.parametrize(
    ("seen", "reason", "said"),
    [
        (pod(waiting("ErrImagePull", PULL)), "ImagePullFailed", f"for pod p: {PULL}. Correct"),
        (pod(waiting("InvalidImageName")), "ImagePullFailed", "InvalidImageName. Correct"),
        (
            pod(waiting("CreateContainerConfigError", 'secret "a" not found')),
            "SecretMissing",
            'Pod p can\'t start: secret "a" not found. Create',
        ),
        (
            pod(waiting("CreateContainerConfigError", "couldn't find key k in Secret n/a")),
            "SecretMissing",
            "couldn't find key k in Secret n/a. Create",
        ),
        (pod(waiting("CreateContainerError", "bad path")), "PodFailed", "can't start: bad path."),
        (
            pod(scheduled="0/1 nodes: too small."),
            "Unschedulable",
            "No node has room for pod p: 0/1",
        ),
        (
            pod(scheduled='persistentvolumeclaim "a" not found'),
            "StoragePending",
            'waits for its volume: persistentvolumeclaim "a" not found. See',
        ),
        (
            pod({"state": ended(137, "OOMKilled")}),
            "OutOfMemory",
            "server of pod p ran out of memory",
        ),
        (pod({"state": ended(3)}), "PodFailed", "keeps failing: exit code 3. Read its log"),
        (
            pod(
                waiting("PodInitializing"), inits=[{"state": ended(1, message="one\nNo MLflow.\n")}]
            ),
            "PodFailed",
            "Container fetch of pod p keeps failing: No MLflow. Read its log",
        ),
    ],
)
def test_problems(seen: dict[str, Any], reason: str, said: str) -> None:
    found = tally.pod_problem(seen)
    assert found is not None
    assert found.reason == reason
    assert said in found.message


def crashing(state: dict[str, Any], last: dict[str, Any]) -> dict[str, Any]:
    return pod({**state, "lastState": last})


@pytest.mark.parametrize(
    "tries",
    [
        pytest.param(
            [
                crashing({"state": ended(message="boom")}, {}),
                crashing(waiting("CrashLoopBackOff", "back-off 10s"), ended(message="boom")),
                crashing({"state": {"running": {}}}, ended(message="boom")),
                crashing({"state": ended(message="boom")}, ended(message="boom")),
                crashing(waiting("CrashLoopBackOff", "back-off 20s"), ended(message="boom")),
            ],
            id="a container that crashes",
        ),
        pytest.param(
            [
                pod(waiting("ErrImagePull", PULL)),
                pod(
                    waiting(
                        "ImagePullBackOff", f'Back-off pulling image "x:1": ErrImagePull: {PULL}'
                    )
                ),
            ],
            id="an image that can't be pulled",
        ),
    ],
)
def test_from_one_try_to_the_next_the_words_do_not_change(tries: list[dict[str, Any]]) -> None:
    said = {tally.pod_problem(seen) for seen in tries}
    assert len(said) == 1
    assert None not in said


def test_a_pod_on_its_way_out_is_nobodys_concern() -> None:
    seen = pod(waiting("ErrImagePull", PULL))
    seen["metadata"]["deletionTimestamp"] = "2026-11-23T03:00:00Z"
    assert tally.pod_problem(seen) is None


QUOTA = (
    'pods "p" is forbidden: exceeded quota: small, requested: cpu=1, used: cpu=2, limited: cpu=2'
)


def failing(message: str, status: str = "True") -> dict[str, Any]:
    told = {"type": "ReplicaFailure", "status": status, "reason": "x", "message": message}
    return {"metadata": {"name": "c"}, "status": {"conditions": [told]}}


@pytest.mark.parametrize(
    ("message", "reason", "said"),
    [
        (f"FailedCreateHeadPod\n{QUOTA}", "QuotaExceeded", "cpu=2, limited: cpu=2. Ask for less"),
        ("FailedCreateHeadPod\nno account x", "PodFailed", "Ray cluster c: no account x."),
        ("FailedDeleteHeadPod", "PodFailed", "Ray cluster c: FailedDeleteHeadPod."),
    ],
)
def test_a_ray_cluster_that_can_not_be_made(message: str, reason: str, said: str) -> None:
    found = tally.ray_cluster_problem(failing(message))
    assert found is not None
    assert found.reason == reason
    assert said in found.message


def test_a_deployment_that_can_not_make_its_pods() -> None:
    quota, other = (tally.deployment_problem(failing(text)) for text in (QUOTA, "no account"))
    assert quota is not None
    assert quota.reason == "QuotaExceeded"
    assert other is not None
    assert other.message == "Deployment c can't make its pods: no account."
    assert tally.deployment_problem(failing(QUOTA, "False")) is None
    assert tally.deployment_problem({"metadata": {"name": "c"}}) is None


@pytest.mark.parametrize(
    ("status", "surely"),
    [
        pytest.param(None, 0, id="no status"),
        pytest.param({"replicas": 2, "updatedReplicas": 2}, 0, id="none ready"),
        pytest.param({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2}, 2, id="all"),
        pytest.param({"replicas": 3, "updatedReplicas": 1, "readyReplicas": 2}, 0, id="old ones"),
        pytest.param({"replicas": 2, "updatedReplicas": 1, "readyReplicas": 1}, 0, id="one of one"),
        pytest.param({"replicas": 3, "updatedReplicas": 2, "readyReplicas": 3}, 2, id="nearly"),
    ],
)
def test_ready_replicas_of_the_current_template(status: Any, surely: int) -> None:
    told = {**status, "observedGeneration": 1} if status else None
    seen = {"metadata": {"name": "d", "generation": 1}, "status": told}
    assert tally.ready_replicas(seen) == surely
    assert tally.ready_replicas({**seen, "metadata": {"name": "d", "generation": 2}}) == 0


@pytest.mark.parametrize(
    ("status", "is_ready"),
    [
        ({}, False),
        ({"state": "ready"}, True),
        ({"state": "ready", "conditions": [{"type": "HeadPodReady", "status": "True"}]}, True),
        ({"state": "ready", "conditions": [{"type": "HeadPodReady", "status": "False"}]}, False),
        ({"state": "suspended"}, False),
    ],
)
def test_a_ray_cluster_takes_jobs(status: dict[str, Any], is_ready: bool) -> None:
    assert tally.ray_cluster_is_ready({"metadata": {"name": "c"}, "status": status}) == is_ready


@pytest.mark.parametrize(
    ("one", "when"),
    [
        ({"state": ended(137, "OOMKilled")}, ""),
        ({"state": {"running": {}}, "lastState": ended(137, "OOMKilled")}, ""),
        ({"state": ended(1)}, None),
        ({"name": "other", "state": ended(137, "OOMKilled")}, None),
    ],
)
def test_death_by_lack_of_memory(one: dict[str, Any], when: str | None) -> None:
    assert tally.out_of_memory_at(pod(one), "server") == when
