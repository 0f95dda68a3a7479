"""What a schema can't know becomes a condition with a sentence within 15 s, and heals by itself when the cause goes."""

from __future__ import annotations

import pytest

from tests.e2e.eventually import eventually
from tests.e2e.manifests import code, pipeline, project, quota, secret, step
from tests.e2e.room import Room
from tests.e2e.world import World

pytestmark = pytest.mark.timeout(900)

SOON = 15


def test_a_missing_config_map_is_said_and_heals(room: Room) -> None:
    # When a project names code that is not there
    room.apply(project("early", step("only", "true")))

    # Then it says so
    said = room.until_reason("projects", "early", "ConfigMapMissing", within=SOON)
    assert "early-code" in said["message"]
    assert "Create it" in said["message"]
    assert said["status"] == "False"

    # When the code comes, then a Run starts by itself
    room.apply(code("early-code", train_py="print('here')"))
    room.until(
        "projects", "early", lambda seen: seen.get("stage") == "Running", within=SOON, what="to run"
    )
    room.until_run("early-1", "Succeeded", within=180)


def test_a_missing_secret_is_said_and_heals(room: Room) -> None:
    # Given an environment variable from a Secret that is not there
    token = [{"name": "TOKEN", "secret": {"name": "vault", "key": "token"}}]
    room.apply(code("shy-code", train_py="import os; print(len(os.environ['TOKEN']))"))

    # When the project runs
    room.apply(project("shy", step("only", "python train.py"), env=token))

    # Then it says so, as soon as the kubelet does
    _until_pod_waits(room, "CreateContainerConfigError")
    said = room.until_reason("projects", "shy", "SecretMissing", within=SOON)
    assert "vault" in said["message"]

    # When the Secret comes, then the Run goes on
    room.apply(secret("vault", token="abc"))
    room.until_run("shy-1", "Succeeded", within=180)


def test_an_image_that_cannot_be_pulled_is_said_and_a_corrected_one_starts(
    world: World, room: Room
) -> None:
    # When the code's image does not exist
    right = world.runtime_image
    absent = f"{right.rpartition(':')[0]}:no-such-tag"
    room.apply(project("pale", step("only", "true"), source={"image": absent}))

    # Then it says which
    _until_pod_waits(room, "ErrImagePull", "ImagePullBackOff")
    said = room.until_reason("projects", "pale", "ImagePullFailed", within=SOON)
    assert absent in said["message"]

    # When the name is corrected, then a new Run takes the place of the one that never began
    room.patch("projects", "pale", f'{{"spec": {{"source": {{"image": "{right}"}}}}}}')
    room.until_run("pale-2", "Succeeded", within=180)
    assert [run["metadata"]["name"] for run in room.runs()] == ["pale-2"]


def test_an_exceeded_quota_is_said_and_a_raised_one_lets_it_go_on(room: Room) -> None:
    # Given a namespace with little room
    room.apply(quota("small", requests_memory="1Gi"), code("big-code", train_py="print('big')"))

    # When a pipeline asks for more
    room.apply(pipeline("big", step("only", "python train.py")))

    # Then it says so, with the numbers
    said = room.until_reason("pipelines", "big", "QuotaExceeded", within=SOON)
    assert "requests.memory" in said["message"]

    # When the quota is raised, then the Run goes on
    room.apply(quota("small", requests_memory="8Gi"))
    room.until_run("big-1", "Succeeded", within=180)


def test_an_unreachable_git_repository_is_said(room: Room) -> None:
    # When the code's repository does not answer
    nowhere = {"git": {"url": "git://nowhere.invalid/code.git"}}
    room.apply(project("lost", step("only", "true"), source=nowhere))

    # Then it says so
    said = room.until_reason("projects", "lost", "SourceUnreachable", within=SOON)
    assert "nowhere.invalid" in said["message"]


def _until_pod_waits(room: Room, *reasons: str) -> None:
    """A container of the Run's pod waits for one of these reasons: from here on our own clock runs."""

    def waits() -> bool:
        containers = (
            container
            for pod in room.all("pods")
            for kind in ("initContainerStatuses", "containerStatuses")
            for container in pod["status"].get(kind, ())
        )
        return any(
            (container["state"].get("waiting") or {}).get("reason") in reasons
            for container in containers
        )

    eventually(waits, within=120, what=f"a container that waits: {' or '.join(reasons)}")
