"""One cluster and one installation for all stories; a room of its own for each."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import files
from tests.cluster.layout import cache
from tests.e2e.eventually import eventually
from tests.e2e.forward import Forward
from tests.e2e.installed import Access, ensure_platform
from tests.e2e.kubectl import connect
from tests.e2e.mlflow_view import MLflowView
from tests.e2e.room import RESTRICTED, Room
from tests.e2e.world import MLFLOW, NAMESPACE, World

TIMES: list[str] = []


@pytest.fixture(scope="session")
def access() -> Access:
    """The cluster, up; the images of this checkout, pushed; the chart, installed. Nothing to do when it is so.

    Under pytest-xdist each worker asks; one does it, and the stamp of this test run tells the others.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    stamp = cache() / "e2e.installed"
    with files.lock(cache() / "e2e.lock"):
        is_done = stamp.exists() and stamp.read_text() == run
        found = ensure_platform(install=not is_done)
        files.write(stamp, run)
    return found


@pytest.fixture(scope="session")
def world(access: Access) -> Iterator[World]:
    """The platform, whole."""
    with connect(access.kubectl, access.environment) as kubectl:
        server = Forward(kubectl, NAMESPACE, MLFLOW, 5000)
        found = World(kubectl, MLflowView(server))
        eventually(found.is_whole, within=120, what="the platform to be ready", last=found.story)
        yield found
        server.close()


@pytest.fixture
def room(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Iterator[Room]:
    """A fresh namespace under `restricted`; it goes with the story unless SOLOIST_KEEP is set."""
    with make_room(request.node.name, world, tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def shared_room(
    request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Room]:
    """One namespace for the stories of a module that follow on each other."""
    with make_room(request.module.__name__, world, tmp_path_factory.mktemp("room")) as found:
        yield found


@contextlib.contextmanager
def make_room(title: str, world: World, folder: Path) -> Iterator[Room]:
    """A namespace with a name that tells the story's, and is no other's."""
    words = re.sub(r"[^a-z0-9]+", "-", title.rpartition(".")[2].removeprefix("test_").lower())
    room = Room(world.kubectl, f"e2e-{words[:32].strip('-')}-{os.urandom(2).hex()}", folder)
    meta = {"name": room.namespace, "labels": RESTRICTED}
    room.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    try:
        yield room
    finally:
        if not os.environ.get("SOLOIST_KEEP"):
            room.kubectl("delete", "namespace", room.namespace, "--wait=false")


@pytest.fixture
def report() -> list[str]:
    """Lines that a story wants to tell at the end of the session, whether it passed or not."""
    return TIMES


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A story that failed shows its room and the operator's last words."""
    outcome = yield
    shown: pytest.TestReport = outcome.get_result()  # type: ignore[attr-defined]  # pluggy's Result
    if shown.when != "call" or not shown.failed:
        return
    fixtures = getattr(item, "funcargs", {})
    for name in ("room", "shared_room", "world"):
        if name in fixtures:
            shown.sections.append((f"the {name}", fixtures[name].story()))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "alone: disturbs other stories, or is disturbed by them")
    config.addinivalue_line("markers", "slow: waits for minutes, so others should run meanwhile")
    config.addinivalue_line("markers", "last: leaves the platform shaken")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first, so that no worker is left alone with one; what shakes the platform last."""

    def turn(item: pytest.Item) -> tuple[bool, bool]:
        slow, last = (item.get_closest_marker(name) is not None for name in ("slow", "last"))
        return last, not slow

    items.sort(key=turn)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the stories told."""
    if TIMES:
        terminalreporter.section("told by the stories")
        for line in TIMES:
            terminalreporter.write_line(line)
