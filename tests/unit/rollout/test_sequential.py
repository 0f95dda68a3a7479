"""Tests that may be looked at at any time: how often they are wrong when they are, and how soon they are right."""

from __future__ import annotations

from math import log
from random import Random

import pytest

from soloist.rollout.sequential import (
    Count,
    evidence_above,
    evidence_below,
    evidence_worse,
    odds_times,
)

ROUNDS = 300
EVERY = 10
"""Looks at every tenth request keep the test quick; the bound holds for every look."""


def ever_above(rate: float, allowed: float, alpha: float, chance: Random) -> bool:
    hits = 0
    for n in range(1, 1501):
        hits += chance.random() < rate
        if n % EVERY == 0 and evidence_above(Count(hits, n), allowed) >= log(1 / alpha):
            return True
    return False


@pytest.mark.parametrize("rate", [0.02, 0.2, 0.5])
def test_a_version_at_the_limit_is_accused_no_oftener_than_promised_however_often_one_looks(
    rate: float,
) -> None:
    chance = Random(7)
    accused = sum(ever_above(rate, rate, 0.1, chance) for _ in range(ROUNDS))
    assert accused <= 0.1 * ROUNDS


@pytest.mark.parametrize("rate", [0.002, 0.05, 0.5])
def test_as_bad_as_the_champion_is_not_worse_also_while_both_have_a_bad_hour(rate: float) -> None:
    chance, accused = Random(11), 0
    for _ in range(ROUNDS):
        candidate, champion = Count(0, 0), Count(0, 0)
        for n in range(1, 1501):
            now = min(1.0, rate * 10) if 400 < n < 500 else rate
            hit = int(chance.random() < now)
            if chance.random() < 0.1:
                candidate = Count(candidate.hits + hit, candidate.n + 1)
            else:
                champion = Count(champion.hits + hit, champion.n + 1)
            if n % EVERY == 0 and evidence_worse(candidate, champion) >= log(10):
                accused += 1
                break
    assert accused <= 0.1 * ROUNDS


@pytest.mark.parametrize(
    ("hits", "n", "allowed"), [(5, 20, 0.003), (12, 150, 0.003), (300, 1000, 0.2)]
)
def test_clear_excess_is_evidence(hits: int, n: int, allowed: float) -> None:
    assert evidence_above(Count(hits, n), allowed) > log(1000)
    assert evidence_below(Count(hits, n), allowed) < 0


def test_nothing_bad_in_many_requests_is_evidence_of_being_good_and_in_few_is_not() -> None:
    limit = odds_times(0.003, 4)
    assert evidence_below(Count(0, 400), limit) > log(20)
    assert evidence_below(Count(0, 100), limit) < log(20)


def test_errors_of_both_are_the_fault_of_neither() -> None:
    assert evidence_worse(Count(50, 100), Count(450, 900)) < 0
    assert evidence_worse(Count(50, 100), Count(1, 900)) > log(1000)
    assert evidence_worse(Count(1, 100), Count(450, 900)) < 0


def test_without_the_other_arm_nothing_can_be_compared() -> None:
    assert evidence_worse(Count(9, 9), Count(0, 0)) == 0
    assert evidence_worse(Count(0, 0), Count(9, 9)) == 0


@pytest.mark.parametrize("allowed", [0.0, 1.0])
def test_a_limit_that_nothing_can_break_accuses_nobody(allowed: float) -> None:
    assert evidence_above(Count(9, 9), allowed) == 0
    assert evidence_below(Count(9, 9), allowed) == 0


def test_a_million_requests_are_no_overflow() -> None:
    assert evidence_above(Count(10**6, 10**6), 0.001) > 10**6
    assert evidence_worse(Count(10**6, 10**6), Count(0, 10**7)) > 10**6
