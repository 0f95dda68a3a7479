"""When the clock strikes: around now, in any zone, on the days that have 23 or 25 hours too."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from soloist.kinds.pipeline.schedule import InvalidSchedule, due

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00+00:00")


@pytest.mark.parametrize(
    ("expression", "zone", "now", "last", "following"),
    [
        pytest.param(
            "0 3 * * *",
            None,
            "2026-11-23T03:00",
            "2026-11-23T03:00",
            "2026-11-24T03:00",
            id="at the very minute it is due",
        ),
        pytest.param(
            "0 3 * * *",
            None,
            "2026-11-23T02:59",
            "2026-11-22T03:00",
            "2026-11-23T03:00",
            id="a minute before it is not",
        ),
        pytest.param(
            "@weekly", None, "2026-11-23T00:00", "2026-11-22T00:00", "2026-11-29T00:00", id="a word"
        ),
        pytest.param(
            "0 3 * * *",
            "America/New_York",
            "2026-11-23T08:30",
            "2026-11-23T08:00",
            "2026-11-24T08:00",
            id="winter in New York",
        ),
        pytest.param(
            "0 3 * * *",
            "America/New_York",
            "2026-07-23T08:30",
            "2026-07-23T07:00",
            "2026-07-24T07:00",
            id="summer in New York",
        ),
        pytest.param(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-29T00:59",
            "2026-03-28T01:30",
            "2026-03-29T01:00",
            id="before the skipped hour",
        ),
        pytest.param(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-29T01:00",
            "2026-03-29T01:00",
            "2026-03-30T00:30",
            id="the skipped time runs just after",
        ),
        pytest.param(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-25T00:30",
            "2026-10-25T00:30",
            "2026-10-26T01:30",
            id="the first pass of the repeated hour",
        ),
        pytest.param(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-25T01:10",
            "2026-10-25T00:30",
            "2026-10-26T01:30",
            id="within its second pass",
        ),
        pytest.param(
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-25T01:30",
            "2026-10-25T00:30",
            "2026-10-26T01:30",
            id="the second pass runs nothing",
        ),
        pytest.param(
            "0 * * * *",
            "Europe/Berlin",
            "2026-10-25T01:00",
            "2026-10-25T01:00",
            "2026-10-25T02:00",
            id="an hourly one runs in both passes",
        ),
    ],
)
def test_due(expression: str, zone: str | None, now: str, last: str, following: str) -> None:
    found = due(expression, zone, LONG_AGO, at(now))
    assert (found.last, found.following) == (at(last), at(following))


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
)
@pytest.mark.parametrize("expression", ["30 2 * * *", "*/20 * * * *", "15 1,2 * * *"])
@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-11-01", "2026-04-05"])
def test_each_time_comes_once_and_none_is_missed(zone: str, expression: str, day: str) -> None:
    """Looked at every ten minutes over two days, each `following` becomes `last`, in order, and nothing else does."""
    now, said, promised = at(f"{day}T00:00") - timedelta(days=1), LONG_AGO, None
    said = due(expression, zone, LONG_AGO, now).last or now
    for _ in range(6 * 48):
        now += timedelta(minutes=10)
        found = due(expression, zone, said, now)
        assert (found.following or now) > now
        if promised is not None and promised <= now:
            assert found.last is not None, f"{promised} was promised and did not come at {now}"
        if found.last is not None:
            assert said < found.last <= now
            said = found.last
        promised = found.following


@pytest.mark.parametrize(
    ("since", "is_due"), [("2026-11-23T02:59", True), ("2026-11-23T03:00", False)]
)
def test_what_was_answered_is_not_due_again(since: str, is_due: bool) -> None:
    found = due("0 3 * * *", None, at(since), at("2026-11-23T03:10"))
    assert (found.last is not None) == is_due


def test_a_year_of_silence_is_one_time_and_not_half_a_million() -> None:
    found = due("* * * * *", None, LONG_AGO, at("2026-11-23T03:00"))
    assert found.last == at("2026-11-23T03:00")


@pytest.mark.parametrize(
    ("expression", "zone", "word"),
    [
        ("bad", None, "'bad' can't be read"),
        ("61 * * * *", None, "'61 * * * *' can't be read"),
        ("0 0 30 2 *", None, "'0 0 30 2 *' can't be read"),
        ("0 3 * * *", "Mars/Phobos", "'Mars/Phobos' is not known"),
        ("0 3 * * *", "Europe", "'Europe' is not known"),
        ("0 3 * * *", "../etc/passwd", "'../etc/passwd' is not known"),
    ],
)
def test_what_can_not_be_read_is_said(expression: str, zone: str | None, word: str) -> None:
    with pytest.raises(InvalidSchedule, match=re.escape(word)) as raised:
        due(expression, zone, LONG_AGO, at("2026-11-23T03:00"))
    assert "Write" in str(raised.value)
