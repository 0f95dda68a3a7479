"""Pods come and go with the load, down to none, and nobody notices more than a slow first answer."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.eventually import PATIENCE, eventually
from tests.e2e.kubectl import Refused
from tests.e2e.load import Load, start_load
from tests.e2e.manifests import endpoint
from tests.e2e.patients import PATIENT
from tests.e2e.room import Room
from tests.e2e.world import World

pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]

NAME = "ward"
SERVERS = f"soloist.dev/name={NAME},app.kubernetes.io/component=server"
PER_SECOND = 50
# A tenth of what the load costs even on a fast machine: how many pods it takes must not depend on the machine.
CPU = "10m"


def model(room: Room) -> str:
    return f"{room.namespace}.{NAME}"


def with_replicas(room: Room, **replicas: Any) -> None:
    """As a user applies it."""
    room.apply(endpoint(NAME, model(room), replicas=replicas, cpu=CPU))


@pytest.fixture(scope="module")
def ward(world: World, shared_room: Room) -> Room:
    """Version 1 is served by one pod."""
    assert world.mlflow.log_models(model(shared_room), "careful") == ["1"]
    world.mlflow.set_alias(model(shared_room), "candidate", "1")
    with_replicas(shared_room, min=1)
    shared_room.until_answered(NAME, PATIENT, within=120)
    shared_room.until_served(NAME, "1", within=60)
    return shared_room


def load(world: World, room: Room, at_most: float) -> Load:
    return start_load(
        room, NAME, PATIENT, image=world.runtime_image, at_most=at_most, per_second=PER_SECOND
    )


def until_pods(room: Room, number: int, *, within: float) -> float:
    """How long until there are so many, all ready, and no other is left."""
    began = time.monotonic()

    def so_many() -> bool:
        ready = room.status("modelendpoints", NAME).get("readyReplicas", 0)
        return len(room.servers_of(NAME)) == ready == number

    eventually(so_many, within=within * PATIENCE, what=f"{number} pods")
    return time.monotonic() - began


def test_pods_come_and_go_by_the_spec_without_a_failed_request(
    world: World, ward: Room, report: list[str]
) -> None:
    under_load = load(world, ward, at_most=240)
    with_replicas(ward, min=3)
    up = until_pods(ward, 3, within=30)
    with_replicas(ward, min=1)
    down = until_pods(ward, 1, within=40)
    outcome = under_load.outcome_soon()
    report.append(f"scaling: 1 to 3 pods in {up:.0f} s and back in {down:.0f} s: {outcome}")
    assert outcome.failed == 0, outcome.failures


def test_pods_follow_the_load_without_a_failed_request(
    world: World, ward: Room, report: list[str]
) -> None:
    try:
        ward.kubectl(
            "get", "--raw", f"/apis/metrics.k8s.io/v1beta1/namespaces/{ward.namespace}/pods"
        )
    except Refused as refused:
        pytest.skip(f"this cluster measures no pods: {refused}")

    # When more is asked than one pod's cpu is for, then there are more pods, as many as are allowed
    with_replicas(ward, min=1, max=3)
    under_load = load(world, ward, at_most=300)
    up = until_pods(ward, 3, within=90)

    # and the operator leaves the number to the autoscaler
    scaler = ward.kubectl(
        "get", "hpa", NAME, "-n", ward.namespace, "-o", "jsonpath={.spec.scaleTargetRef.name}"
    )
    assert scaler == f"{NAME}-v1"
    assert len(ward.servers_of(NAME)) == 3

    # When the user says otherwise, it is so at once, and without a lost request
    with_replicas(ward, min=1)
    down = until_pods(ward, 1, within=40)
    outcome = under_load.outcome_soon()
    report.append(
        f"scaling: the load made 3 pods of 1 in {up:.0f} s, gone in {down:.0f} s: {outcome}"
    )
    assert outcome.failed == 0, outcome.failures


def ask_patiently(room: Room) -> tuple[httpx.Response, float]:
    began = time.monotonic()
    where = room.kubectl.service(room.namespace, NAME)
    answer = httpx.post(f"{where}/invocations", json=PATIENT, timeout=200)
    return answer, time.monotonic() - began


def test_asleep_the_first_requests_wait_for_a_pod_and_are_answered(
    ward: Room, report: list[str]
) -> None:
    # When nobody asks, then there is no pod, and the endpoint is ready all the same
    with_replicas(ward, min=0, idleAfter="10s", wakeTimeout="3m")
    told = ward.until_reason("modelendpoints", NAME, "Asleep", within=60 * PATIENCE)
    assert told["status"] == "True"
    # also the one that was told to go, which still answers for a while
    eventually(lambda: not ward.all("pods", SERVERS), within=60 * PATIENCE, what="the pods to go")
    rung = ward.status("modelendpoints", NAME)["rung"]

    # When several clients come at once, then all are answered by the champion
    with ThreadPoolExecutor(5) as clients:
        asked = [clients.submit(ask_patiently, ward) for _ in range(5)]
        answers = [one.result() for one in asked]
    assert {answer.status_code for answer, _ in answers} == {200}
    assert {answer.headers["x-soloist-rung"] for answer, _ in answers} == {"champion"}
    assert {answer.headers["x-soloist-version"] for answer, _ in answers} == {"1"}
    report.append(
        f"scaling: cold answers after {', '.join(f'{took:.1f}' for _, took in answers)} s"
    )

    # and it is awake, and falls asleep again
    ward.until_reason("modelendpoints", NAME, "Ready", within=30)
    assert ward.status("modelendpoints", NAME)["rung"] == rung == "champion"
    ward.until_reason("modelendpoints", NAME, "Asleep", within=90 * PATIENCE)
