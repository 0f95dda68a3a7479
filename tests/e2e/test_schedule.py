"""The clock starts Runs, and leaves out those that come while one runs."""

from __future__ import annotations

import pytest

from tests.e2e.eventually import eventually
from tests.e2e.manifests import code, project, step
from tests.e2e.room import Room
from tests.e2e.world import moment_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_the_clock_starts_a_run_and_forbid_leaves_out_the_minute_that_finds_one_running(
    room: Room,
) -> None:
    # Given a project for every minute whose Run lasts longer than one
    room.apply(code("clock-code", wait_sh="sleep 62"))
    every_minute = {"schedule": "* * * * *", "concurrencyPolicy": "Forbid"}

    # When it is applied
    room.apply(project("clock", step("wait", "bash wait.sh"), pipeline=every_minute))

    # Then the first Run is for its code, and the minute that finds it running is left out
    first = room.until_run("clock-1", "Running", within=60)
    assert first
    left_out = room.until(
        "pipelines",
        "clock",
        lambda seen: seen.get("lastScheduleTime"),
        within=75,
        what="to settle a minute",
    )["lastScheduleTime"]
    assert [run["metadata"]["name"] for run in room.runs()] == ["clock-1"]

    # When it has ended, then the next minute starts one
    room.until_run("clock-1", "Succeeded", within=90)
    second = eventually(lambda: room.get("runs", "clock-2"), within=75, what="the scheduled Run")
    assert second is not None
    trigger = second["spec"]["trigger"]
    assert trigger["reason"] == "Schedule"
    assert moment_of(trigger["id"]) > moment_of(left_out)
    late = moment_of(second["metadata"]["creationTimestamp"]) - moment_of(trigger["id"])
    assert late.total_seconds() <= 10
