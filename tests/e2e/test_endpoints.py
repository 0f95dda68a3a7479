"""A model under traffic: a good release, a bad one, the loss of every pod, and a way back by hand. Nobody notices."""

from __future__ import annotations

import functools
import time
from typing import Any

import pytest

from tests.e2e.eventually import eventually
from tests.e2e.load import Load, start_load
from tests.e2e.manifests import endpoint
from tests.e2e.patients import MEASURED, PATIENT
from tests.e2e.room import Room
from tests.e2e.world import World

pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]

NAME = "ward"
# A patient of whom not everything was measured.
INCOMPLETE: dict[str, Any] = {
    "dataframe_split": {"columns": list(MEASURED), "data": [[None, *[0.01] * 9]]}
}
# On two cores that train and serve at once, latencies of milliseconds say little of a version. Three errors in a thousand
# would take 297 requests to rule out, at each step.
ROLLOUT = {
    "shadow": {"requests": 40}, "canary": [10, 50], "stepDuration": "5s", "minRequests": 20,
    "gates": {"latency": {"ratio": 10}, "errorRate": {"atMost": 5}, "invalid": {"atMost": 5}},
}  # fmt: skip
PER_SECOND = 50


def model(room: Room) -> str:
    return f"{room.namespace}.{NAME}"


@pytest.fixture(scope="module")
def ward(world: World, shared_room: Room) -> Room:
    """Version 1 is served, by two pods; 2 is as good, 3 fails on incomplete patients."""
    versions = world.mlflow.log_models(model(shared_room), "careful", "better", "careless")
    assert versions == ["1", "2", "3"]
    world.mlflow.set_alias(model(shared_room), "candidate", "1")
    spec = {"replicas": {"min": 2}, "rollout": ROLLOUT}
    shared_room.apply(endpoint(NAME, model(shared_room), **spec))
    shared_room.until_answered(NAME, PATIENT, within=120)
    shared_room.until_served(NAME, "1", within=60)
    world.mlflow.until_aliases(model(shared_room), {"champion": "1"})
    return shared_room


def load(world: World, room: Room, at_most: float) -> Load:
    return start_load(
        room, NAME, INCOMPLETE, image=world.runtime_image, at_most=at_most, per_second=PER_SECOND
    )


def rollout_of(room: Room) -> dict[str, Any]:
    found: dict[str, Any] = room.status("modelendpoints", NAME)["release"].get("rollout") or {}
    return found


def test_a_good_release_earns_its_traffic_and_a_bad_one_is_taken_back(
    world: World, ward: Room, report: list[str]
) -> None:
    under_load = load(world, ward, at_most=240)

    # When a good version is registered, then it goes by shadow and canary to champion
    world.mlflow.set_alias(model(ward), "candidate", "2")
    began = time.monotonic()
    ward.until_served(NAME, "2", within=60)
    report.append(f"endpoint: v2 from alias to champion in {time.monotonic() - began:.0f} s")
    verdicts = {one["gate"]: one["verdict"] for one in rollout_of(ward)["evidence"]}
    assert verdicts["errorRate"] == verdicts["latency"] == "Pass"
    world.mlflow.until_aliases(model(ward), {"champion": "2", "previous": "1"})

    # When a version fails at what these clients send, then it is taken back, and not tried again
    ward.apply(endpoint(NAME, model(ward), replicas={"min": 2}, rollout=without_shadow()))
    world.mlflow.set_alias(model(ward), "candidate", "3")
    eventually(lambda: rollout_of(ward).get("version") == "3", within=15, what="v3 to be tried")
    eventually(lambda: rollout_of(ward)["stage"] == "Aborted", within=60, what="v3 to be refused")
    ended = rollout_of(ward)
    assert ended["reason"] == "GateFailed"
    assert "errorRate" in ended["message"]
    world.mlflow.until_aliases(model(ward), {"champion": "2", "previous": "1"})
    assert "Fail" in world.mlflow.version_tags(model(ward), "3")["soloist.dev/gate.errorRate"]
    assert ward.status("modelendpoints", NAME)["served"]["version"] == "2"

    # and no client saw any of it
    outcome = under_load.outcome_soon()
    report.append(f"endpoint: load while a good and a bad release came: {outcome}")
    assert outcome.failed == 0, outcome.failures
    assert set(outcome.versions) == {"1", "2"}


def without_shadow() -> dict[str, Any]:
    """So that the bad version answers clients: its failures are hidden from them by the gateway."""
    return {**ROLLOUT, "shadow": {"requests": 0}}


def test_when_every_pod_of_the_champion_is_killed_the_version_before_answers(
    world: World, ward: Room, report: list[str]
) -> None:
    under_load = load(world, ward, at_most=180)

    # When all pods of the champion are killed at once
    pods = [pod["metadata"]["name"] for pod in ward.servers_of(NAME, "2")]
    assert len(pods) == 2
    ward.kubectl(
        "delete", "pods", *pods, "-n", ward.namespace, "--grace-period=0", "--force", "--wait=false"
    )

    # Then the version before answers, the status says so, and the champion comes back by itself
    ward.until(
        "modelendpoints", NAME, lambda seen: seen.get("rung") == "previous",
        within=15, what="to have failed over",
    )  # fmt: skip
    ward.until(
        "modelendpoints", NAME, lambda seen: seen.get("rung") == "champion",
        within=60, what="to be back on its champion",
    )  # fmt: skip
    outcome = under_load.outcome_soon()
    report.append(f"endpoint: load while every pod of the champion was killed: {outcome}")
    assert outcome.failed == 0, outcome.failures
    assert set(outcome.versions) == {"1", "2"}


def test_nobody_notices_when_every_pod_is_evicted(
    world: World, ward: Room, report: list[str]
) -> None:
    under_load = load(world, ward, at_most=180)

    # When a machine is drained: its pods are asked to go, as fast as their budgets allow
    pods = [pod["metadata"]["name"] for pod in ward.all("pods", f"soloist.dev/name={NAME}")]
    for pod in pods:
        eventually(functools.partial(ward.evict, pod), within=60, what=f"{pod} to be let go")

    outcome = under_load.outcome_soon()
    report.append(f"endpoint: load while {len(pods)} pods were evicted: {outcome}")
    assert outcome.failed == 0, outcome.failures


def test_a_rollback_by_hand_stays_when_the_manifest_is_applied_again(
    world: World, ward: Room
) -> None:
    annotate = ("annotate", "--overwrite", f"modelendpoint/{NAME}", "-n", ward.namespace)
    ward.kubectl(*annotate, "soloist.dev/rollback=2")
    ward.until_served(NAME, "1", within=60)
    world.mlflow.until_aliases(model(ward), {"champion": "1"})
    ward.until_version_answers(NAME, PATIENT, "1", within=15)

    ward.apply(endpoint(NAME, model(ward), replicas={"min": 2}, rollout=ROLLOUT))
    ward.until_version_answers(NAME, PATIENT, "1", within=15)
    assert ward.status("modelendpoints", NAME)["served"]["version"] == "1"
