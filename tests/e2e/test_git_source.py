"""Code from Git: a Run is pinned to its commit, and a new commit makes a new Run."""

from __future__ import annotations

import pytest

from tests.e2e.git_server import start_git_server
from tests.e2e.manifests import project, step
from tests.e2e.room import Room
from tests.e2e.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_each_commit_becomes_a_run_that_is_pinned_to_it(world: World, room: Room) -> None:
    # Given a repository with one commit
    server = start_git_server(room, image=world.runtime_image)
    first = server.commit({"say.py": "print('the first')"}, "first")
    source = {"git": {"url": server.url, "ref": "main"}}

    # When a project follows its branch
    room.apply(project("follow", step("say", "python say.py"), source=source))

    # Then the Run is of that commit and ran its code
    status = room.until_run("follow-1", "Succeeded", within=180)
    assert "the first" in world.mlflow.artifact(status["mlflowRunId"], "logs/say-1.log")
    assert _commit(room, "follow-1") == first

    # When the branch moves on
    second = server.commit({"say.py": "print('the second')"}, "second")

    # Then a new Run follows by itself, and the old one stays what it was
    status = room.until_run("follow-2", "Succeeded", within=180)
    assert "the second" in world.mlflow.artifact(status["mlflowRunId"], "logs/say-1.log")
    assert (_commit(room, "follow-1"), _commit(room, "follow-2")) == (first, second)
    assert len(room.runs()) == 2


def _commit(room: Room, name: str) -> str:
    run = room.get("runs", name)
    assert run is not None
    assert run["spec"]["sourceDigest"] == run["spec"]["source"]["git"]["ref"]
    return str(run["spec"]["source"]["git"]["ref"])
