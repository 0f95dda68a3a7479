"""Counts of two versions: added, subtracted, and begun anew by a restart."""

from __future__ import annotations

import pytest

from soloist.rollout.readings import Arms, ArmWindow, Histogram, Tally, sum_arms
from tests.support.rollouts import arm, arms


def test_a_histogram_knows_its_quantiles_by_bound() -> None:
    seen = Histogram((10.0, 20.0, 40.0), (50, 90, 99), 100)
    assert [seen.bound_of(share) for share in (0.5, 0.9, 0.99, 1.0)] == [10, 20, 40, None]
    assert (seen.slower_than(20.0), seen.bound_from(15), seen.bound_from(41)) == (10, 20, None)
    assert Histogram().bound_of(0.5) is None


def test_histograms_of_other_bounds_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="different bounds"):
        Histogram((1.0,), (1,), 1) + Histogram((2.0,), (1,), 1)
    with pytest.raises(ValueError, match="must rise"):
        Histogram((2.0, 1.0), (1, 1), 1)


def test_windows_add_up_and_subtract_again() -> None:
    one, other = arm(100, errors=3, compared=9, disagreed=2), arm(50, invalid=1)
    assert (one + other) - other == one
    assert one + ArmWindow() == one
    assert sum_arms((Arms(one, other), Arms(other, one))) == Arms(one + other, one + other)


def test_the_mean_distance_needs_a_comparison() -> None:
    assert arm(10, compared=4, score_distance_sum=2.0).mean_distance() == 0.5
    assert arm(10).mean_distance() is None


def test_what_was_counted_before_the_stage_does_not_count() -> None:
    tally = Tally().look({"a": arms(arm(100))}).look({"a": arms(arm(130))})
    assert tally.total.candidate.requests == 30


def test_a_process_that_began_anew_counts_from_zero_for_both_versions() -> None:
    tally = Tally().look({"a": arms(arm(100))}).look({"a": Arms(arm(2000), arm(7))})
    assert (tally.total.candidate.requests, tally.total.champion.requests) == (7, 2000)


def test_a_pod_that_began_anew_after_it_sent_kept_requests_takes_none_of_them_back() -> None:
    tally = Tally().look({"a": Arms()})
    for sent in (40, 2):
        tally = tally.look({"a": Arms(champion=ArmWindow(replayed=sent))})
    assert tally.total.champion.replayed == 42


def test_a_process_that_is_silent_for_a_while_loses_nothing_and_a_new_one_brings_no_past() -> None:
    tally = Tally().look({"a": arms(arm(10))}).look({"b": arms(arm(500))})
    assert tally.total.candidate.requests == 0
    tally = tally.look({"a": arms(arm(15)), "b": arms(arm(520))})
    assert tally.total.candidate.requests == 25


def test_a_process_with_other_buckets_is_another_one() -> None:
    old = Arms(ArmWindow(9, latency=Histogram((1.0,), (9,), 9)), ArmWindow())
    assert arms(arm(10)).since(old) == arms(arm(10))
