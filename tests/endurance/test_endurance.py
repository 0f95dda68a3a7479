"""No client notices what happens to an endpoint; and what a bad version does to clients ends within seconds."""

from __future__ import annotations

import time

import pytest

from tests.e2e.eventually import moment
from tests.e2e.load import Outcome
from tests.endurance import events
from tests.endurance.counters import Asked, watch_asked
from tests.endurance.page import Line, Results
from tests.endurance.ward import NAME, PER_SECOND, REQUESTS, VICES, Ward

pytestmark = pytest.mark.timeout(1800)

UNNOTICED = (
    events.rolling_update,
    events.promotion,
    events.rollback,
    events.scaling,
    events.gateway_restart,
    events.eviction,
    events.platform_restart,
    events.champion_killed,
)
# Seconds in which requests may go to a bad version. What fails at everything is seen at once.
OFF_WITHIN = {"raises": 5, "slow": 15, "nan": 15, "exits": 15, "eats": 15}
NEXT_RUNG_WITHIN = 1.0
QUIET_SECONDS = 3.0
LOAD_SECONDS = REQUESTS / PER_SECOND


@pytest.mark.parametrize("event", UNNOTICED, ids=lambda event: event.__name__.replace("_", " "))
def test_nobody_notices(
    event: events.Event, ward: Ward, results: Results, repeats: int, report: list[str]
) -> None:
    for _ in range(repeats):
        under_load = ward.load()
        moment(time.monotonic() + QUIET_SECONDS)
        notes = event(ward)
        outcome = under_load.outcome(within=LOAD_SECONDS + 60)
        results.lines.append(_line(event.__name__.replace("_", " "), outcome, set(), notes))
        report.append(f"{event.__name__}: {notes} {outcome}")
        assert outcome.sent >= REQUESTS * 0.99
        assert outcome.failed == 0, outcome.failures
        if event is events.champion_killed:
            assert outcome.longest_gap_seconds < NEXT_RUNG_WITHIN


@pytest.mark.parametrize("vice", VICES)
def test_a_bad_version_is_off_within_seconds(
    vice: str, ward: Ward, results: Results, repeats: int, report: list[str]
) -> None:
    version = str(3 + VICES.index(vice))
    for _ in range(repeats):
        under_load = ward.load()
        champion = ward.champion()
        before = ward.rollout().get("since")  # the same version may have been refused already
        with watch_asked(ward.room, NAME, version) as asked:
            moment(time.monotonic() + QUIET_SECONDS)
            ward.annotate("retry", version)
            ward.world.mlflow.set_alias(ward.model, "candidate", version)
            ward.until_refused(version, since=before)
            moment(time.monotonic() + QUIET_SECONDS)
        outcome = under_load.outcome(within=LOAD_SECONDS + 60)
        notes = f"asked for {asked.seconds:.1f} s"
        results.lines.append(_line(f"a candidate that {_does(vice)}", outcome, {version}, notes))
        report.append(f"{vice}: {notes}, {asked.count} times; {outcome}; {ward.rollout()}")
        _was_harmless(asked, outcome, version, OFF_WITHIN[vice])
        assert ward.champion() == champion


def _was_harmless(asked: Asked, outcome: Outcome, version: str, within: float) -> None:
    assert asked.count > 0, "the version was never asked"
    assert asked.seconds <= within
    assert outcome.failed + outcome.versions.get(version, 0) < 0.01 * outcome.sent


def _does(vice: str) -> str:
    return {
        "raises": "fails at every request",
        "slow": "is ten times as slow",
        "nan": "answers with NaN",
        "exits": "crashes at every request",
        "eats": "runs out of memory",
    }[vice]


def _line(case: str, outcome: Outcome, bad: set[str], notes: str) -> Line:
    harmed = outcome.failed + sum(outcome.versions.get(version, 0) for version in bad)
    return Line(
        case=case,
        sent=outcome.sent,
        failed=outcome.failed,
        harmed=harmed,
        p50_ms=outcome.p50_ms,
        p99_ms=outcome.p99_ms,
        longest_gap_seconds=outcome.longest_gap_seconds,
        notes=notes,
        failures=outcome.failures,
    )
