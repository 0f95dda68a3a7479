"""When a model is asked on the event loop, and when it goes back to the threads."""

from __future__ import annotations

from soloist_workloads.serving.pace import CREDIT, FIRST_TRIAL, PRICE, QUICK_SECONDS, TRIAL, Pace

QUICK, SLOW = QUICK_SECONDS / 2, QUICK_SECONDS * 2


def after(*seconds: float) -> Pace:
    pace = Pace()
    for one in seconds:
        pace.note(one)
    return pace


def test_it_must_be_shown_first() -> None:
    assert not after(*[QUICK] * (FIRST_TRIAL - 1)).is_quick
    assert after(*[QUICK] * FIRST_TRIAL).is_quick


def test_a_slow_model_stays_in_its_thread() -> None:
    assert not after(*[SLOW, QUICK] * 1000).is_quick


def test_a_late_one_now_and_then_is_forgiven() -> None:
    pace = after(*[QUICK] * 100)
    for _ in range(100):
        pace.note(SLOW)
        for _ in range(PRICE):
            pace.note(QUICK)
            assert pace.is_quick


def test_one_that_became_slow_goes_back_for_long() -> None:
    pace = after(*[QUICK] * 100)
    for _ in range(CREDIT // PRICE + 1):
        assert pace.is_quick
        pace.note(SLOW)
    assert not pace.is_quick
    for _ in range(TRIAL - 1):
        pace.note(QUICK)
    assert not pace.is_quick
    pace.note(QUICK)
    assert pace.is_quick
