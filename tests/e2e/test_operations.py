"""One served project through what befalls a platform: outages, meddling, a lost leader, and its own end.

The stories share the project and follow on each other, because a Ray cluster each would cost half a minute each.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.eventually import eventually, never
from tests.e2e.manifests import project, step
from tests.e2e.patients import PATIENT
from tests.e2e.room import Room, condition
from tests.e2e.world import MLFLOW, World

pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]

DIABETES = Path(__file__).with_name("projects") / "diabetes"
NAME = "diabetes"


@pytest.fixture(scope="module")
def served(shared_room: Room) -> Room:
    """A room with a project that serves its first version."""
    shared_room.apply_folder(DIABETES)
    shared_room.until_answered(NAME, PATIENT, within=150)
    shared_room.until_run(f"{NAME}-1", "Succeeded", within=60)
    return shared_room


def test_what_someone_changes_in_a_projects_children_is_undone(served: Room) -> None:
    # When someone edits the pipeline, scales the pods and deletes the Service
    served.patch("pipelines", NAME, '{"spec": {"schedule": "@yearly"}}')
    for deployment in served.all("deployments"):
        served.patch("deployments", deployment["metadata"]["name"], '{"spec": {"replicas": 0}}')
    served.delete("services", NAME)

    # Then everything is as it was, and no Run was started for it
    eventually(
        lambda: "schedule" not in (served.get("pipelines", NAME) or {})["spec"],
        within=15, what="the schedule to be gone",
    )  # fmt: skip
    eventually(lambda: served.get("services", NAME), within=15, what="the Service to be back")
    served.until_answered(NAME, PATIENT, within=45)
    assert [run["metadata"]["name"] for run in served.runs()] == [f"{NAME}-1"]


def test_a_serving_pod_restarts_while_mlflow_and_postgresql_are_gone_and_a_run_waits_for_them(
    world: World, served: Room
) -> None:
    # Given no MLflow and no PostgreSQL
    world.without_mlflow()
    try:
        gone = time.monotonic()

        # When the serving pod is deleted, then its successor answers
        (before,) = served.servers_of(NAME)
        served.delete("pods", before["metadata"]["name"])
        successor = eventually(
            lambda: _successor(served, before["metadata"]["uid"]),
            within=60,
            what="a new pod, ready",
        )
        assert successor
        served.until_answered(NAME, PATIENT, within=20)

        # When a Run is asked for, then it waits and says for what
        request = f'{{"metadata": {{"annotations": {{"soloist.dev/run": "{gone}"}}}}}}'
        served.patch("projects", NAME, request)
        said = served.until_reason("runs", f"{NAME}-2", "MLflowUnreachable", within=15)
        assert MLFLOW in said["message"]
        served.until(
            "projects", NAME, lambda seen: seen["stage"] == "Serving", within=15, what="to serve on"
        )
    finally:
        world.with_mlflow()

    # Then, with MLflow back, it goes on by itself to a second version
    served.until_run(f"{NAME}-2", "Succeeded", within=150)
    served.until_served(NAME, "2", within=60)
    served.until_version_answers(NAME, PATIENT, "2", within=10)


def _successor(room: Room, uid: str) -> bool:
    pods = room.servers_of(NAME)
    ready = [pod for pod in pods if condition(pod["status"], "Ready").get("status") == "True"]
    return any(pod["metadata"]["uid"] != uid for pod in ready)


def test_a_killed_leader_is_replaced_within_20_seconds(world: World, served: Room) -> None:
    # Given two operators, one of which leads
    first = world.leader()
    assert len(world.operator_pods()) == 2
    assert first in {pod["metadata"]["name"] for pod in world.operator_pods()}

    # When the leader is killed
    world.kill(first)
    killed = time.monotonic()
    served.apply(project("orphan", step("only", "true")))

    # Then the other one acts
    left = 20 - (time.monotonic() - killed)
    served.until_reason("projects", "orphan", "ConfigMapMissing", within=left)
    assert world.leader() != first
    served.delete("projects", "orphan", wait=True)


def test_a_deleted_project_leaves_its_models_and_nothing_else(world: World, served: Room) -> None:
    # Given a project in the middle of a Run
    served.patch("projects", NAME, '{"metadata": {"annotations": {"soloist.dev/run": "last"}}}')
    status = served.until_run(f"{NAME}-3", "Running", within=60)
    model = f"{served.namespace}.{NAME}"
    versions = [one["version"] for one in world.mlflow.versions(model)]

    # When it is deleted
    served.delete("projects", NAME)

    # Then nothing of it is left in the cluster
    eventually(
        lambda: not served.left_over(), within=90, what="an empty room",
        last=lambda: ", ".join(served.left_over()),
    )  # fmt: skip
    # and the models stay, and no MLflow run claims to be running
    assert [one["version"] for one in world.mlflow.versions(model)] == versions == ["1", "2"]
    assert world.mlflow.run(status["mlflowRunId"])["info"]["status"] == "KILLED"
    ends = {run["info"]["status"] for run in world.mlflow.runs(f"{served.namespace}/{NAME}")}
    assert "RUNNING" not in ends
    never(served.left_over, during=3, what="something came back")
