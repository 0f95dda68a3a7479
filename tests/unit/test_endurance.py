"""What the endurance suite measures with."""

from __future__ import annotations

from tests.endurance.counters import Asked


def test_a_version_was_asked_from_the_first_rise_to_the_last_and_an_earlier_try_is_none() -> None:
    asked = Asked("3")
    for moment, counted in ((0.0, 8), (1.0, 8), (11.0, 10), (12.5, 11), (13.0, 11)):
        asked.note("gateway-a", counted, moment)
    asked.note("gateway-b", 5, 2.0)
    assert (asked.count, asked.seconds) == (3, 1.5)


def test_a_counter_that_began_anew_is_counted_from_there() -> None:
    asked = Asked("3")
    for moment, counted in ((0.0, 8), (1.0, 0), (2.0, 3), (4.0, 4)):
        asked.note("gateway-a", counted, moment)
    assert (asked.count, asked.seconds) == (4, 2.0)
