"""The platform of the stories, an endpoint of this suite, and the record of what was measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import access, make_room, report, shared_room, world
from tests.e2e.room import Room
from tests.e2e.world import World
from tests.endurance import page
from tests.endurance.ward import Ward, open_ward

__all__ = ["access", "make_room", "report", "shared_room", "world"]


@pytest.fixture(scope="session")
def repeats() -> int:
    """How often each case is run."""
    return int(os.environ.get("REPEATS", "2"))


@pytest.fixture(scope="session")
def ward(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """One endpoint for all cases: each takes it over as the last one left it."""
    with make_room("endurance", world, tmp_path_factory.mktemp("room")) as room:
        yield open_ward(world, room)


@pytest.fixture
def results(ward: Ward) -> Iterator[page.Results]:
    """What a case measured; written after each, so that a run that is stopped leaves what it has."""
    found = page.Results()
    yield found
    page.add(found.lines, Path(os.environ.get("RESULTS", page.FOLDER)))


@pytest.fixture
def room(ward: Ward) -> Room:
    """The endpoint's; shown when a case fails."""
    return ward.room
