"""Outcomes, pauses, names: the small values."""

from __future__ import annotations

from datetime import timedelta

import pytest

from soloist.core.backoff import delay
from soloist.core.objects import digest, is_owned_by, shorten
from soloist.core.outcome import Done, Failed, Outcome, Stalled, Waiting, worst

SOON, LATER = Done(timedelta(seconds=1)), Done(timedelta(seconds=9))
WAITING = Waiting("W", "waits", timedelta(seconds=3))
FAILED, STALLED = Failed("F", "fails"), Stalled("S", "stalls")


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((), Done()),
        ((LATER, SOON, Done()), SOON),
        ((SOON, WAITING), WAITING),
        ((WAITING, FAILED), FAILED),
        ((FAILED, STALLED, WAITING), STALLED),
        ((Failed("F", "first"), FAILED), Failed("F", "first")),
    ],
    ids=["none", "the soonest", "waiting", "failed", "stalled", "the first of equals"],
)
def test_worst(outcomes: tuple[Outcome, ...], expected: Outcome) -> None:
    assert worst(outcomes) == expected


def test_pauses_double_from_half_a_second_to_ten() -> None:
    seconds = [delay(failures, 1.0).total_seconds() for failures in range(1, 8)]
    assert seconds == [0.5, 1, 2, 4, 8, 10, 10]


def test_chance_spreads_a_pause_from_its_half() -> None:
    assert delay(1, 0.0) == timedelta(seconds=0.25)


def test_a_million_failures_are_no_overflow() -> None:
    assert delay(10**6, 1.0) == timedelta(seconds=10)


def test_a_short_name_stays() -> None:
    assert shorten("flights", 10) == "flights"


def test_a_digest_knows_no_order() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_an_owner_is_known_by_its_uid() -> None:
    body = {"metadata": {"ownerReferences": [{"uid": "u"}]}}
    assert is_owned_by(body, "u")
    assert not is_owned_by(body, "v")
    assert not is_owned_by({"metadata": {}}, "u")
