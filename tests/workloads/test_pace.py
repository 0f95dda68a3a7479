"""When a model is asked on the event loop, when it goes back to the threads, and how many may wait for it."""

from __future__ import annotations

import pytest

from soloist_workloads.serving.pace import (
    BRIEF_SECONDS,
    CREDIT,
    FIRST_TRIAL,
    PRICE,
    QUICK_SECONDS,
    TRIAL,
    Pace,
    Trial,
)

QUICK, SLOW = QUICK_SECONDS / 2, QUICK_SECONDS * 2


def after(*seconds: float) -> Trial:
    trial = Trial(QUICK_SECONDS)
    for one in seconds:
        trial.note(one)
    return trial


def test_it_must_be_shown_first() -> None:
    assert not after(*[QUICK] * (FIRST_TRIAL - 1)).is_passed
    assert after(*[QUICK] * FIRST_TRIAL).is_passed


def test_what_is_slow_half_of_the_time_never_passes() -> None:
    assert not after(*[SLOW, QUICK] * 1000).is_passed


def test_a_late_one_now_and_then_is_forgiven() -> None:
    trial = after(*[QUICK] * 100)
    for _ in range(100):
        trial.note(SLOW)
        for _ in range(PRICE):
            trial.note(QUICK)
            assert trial.is_passed


def test_what_became_slow_must_show_itself_for_long() -> None:
    trial = after(*[QUICK] * 100)
    for _ in range(CREDIT // PRICE + 1):
        assert trial.is_passed
        trial.note(SLOW)
    assert not trial.is_passed
    for _ in range(TRIAL - 1):
        trial.note(QUICK)
    assert not trial.is_passed
    trial.note(QUICK)
    assert trial.is_passed


@pytest.mark.parametrize(
    ("processors", "seconds", "is_brief"),
    [
        (1, BRIEF_SECONDS * 0.9, True),
        (1, BRIEF_SECONDS * 1.1, False),
        (2, QUICK_SECONDS * 0.9, True),
        (2, QUICK_SECONDS * 1.1, False),
    ],
)
def test_where_there_is_one_processor_a_call_may_keep_the_event_loop_for_longer(
    processors: int, seconds: float, is_brief: bool
) -> None:
    pace = Pace(processors=processors)
    for _ in range(FIRST_TRIAL):
        pace.note(seconds)
    assert pace.is_brief is is_brief


@pytest.mark.parametrize("processors", [1, 2])
def test_many_may_wait_where_together_each_takes_little(processors: int) -> None:
    """A forest needs five milliseconds for one row and eight for sixty: under load it's quick."""
    pace = Pace(processors=processors)
    for _ in range(1000):
        pace.note(QUICK_SECONDS * 5)
    assert not pace.is_quick
    for _ in range(TRIAL // 64 + 1):
        pace.note(QUICK_SECONDS * 8, questions=64)
    assert pace.is_quick


def test_of_calls_one_after_the_other_each_counts() -> None:
    """Sixteen in a row take longer together than one may."""
    pace = Pace(processors=2)
    for _ in range(3):
        pace.note(QUICK_SECONDS * 8, questions=16, calls=16)
    assert pace.is_brief
    assert pace.is_quick
