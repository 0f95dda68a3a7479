"""A candidate takes its share, and does no harm by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from soloist.gateway.plan import GatewayPlan
from tests.gateway.conftest import MakePod
from tests.gateway.load import ask_each, load
from tests.gateway.pods import Pod
from tests.gateway.running import Gateway, eventually, running
from tests.gateway.test_ladder import PER_SECOND, plan_of, seen

UNITS = 1000


def rollout(champion: Pod, candidate: Pod, **more: object) -> GatewayPlan:
    return plan_of(champion, candidate=candidate.backend("candidate"), **more)


async def versions_of(gateway: Gateway, units: int) -> dict[str, str]:
    """Which version each traveller has."""
    travellers = [f"traveller-{number}" for number in range(units)]
    answers = await ask_each(gateway.plan.place.port, travellers)
    return {unit: answer.version for unit, answer in answers.items()}


async def test_a_traveller_keeps_the_candidate_as_its_weight_grows(
    pod: MakePod, tmp_path: Path
) -> None:
    champion, candidate = await pod("7"), await pod("8")
    plan = rollout(champion, candidate, weight=10, sticky_header="x-unit")
    async with running(plan, tmp_path) as gateway:
        first = await versions_of(gateway, UNITS)
        again = await versions_of(gateway, UNITS // 10)
        assert again == {unit: first[unit] for unit in again}
        await gateway.change(replace(plan, weight=30))
        second = await versions_of(gateway, UNITS)
    has_it = [{unit for unit, version in one.items() if version == "8"} for one in (first, second)]
    assert has_it[0] < has_it[1]
    for share, units in zip((0.1, 0.3), has_it, strict=True):
        # Four standard deviations of a fair draw.
        assert abs(len(units) - share * UNITS) < 4 * (UNITS * share * (1 - share)) ** 0.5


async def test_a_candidate_that_only_fails_harms_nobody(pod: MakePod, tmp_path: Path) -> None:
    champion, candidate = await pod("7"), await pod("8")
    candidate.status = 500
    async with running(rollout(champion, candidate, weight=20), tmp_path) as gateway:
        async with load(gateway.plan.place.port, per_second=PER_SECOND) as traffic:
            await seen(traffic, 300)
        reading = await gateway.reading()
    assert traffic.failed == []
    assert traffic.versions() == {"7": traffic.sent}
    tally = reading.attempts("8")
    assert tally.requests == tally.errors >= 3, "what the retries hid is counted"
    assert reading.ejections("8") >= 1


async def test_a_candidate_whose_model_fails_is_not_taken_at_its_word(
    pod: MakePod, tmp_path: Path
) -> None:
    champion, candidate = await pod("7"), await pod("8")
    candidate.status, candidate.headers = 400, {"x-soloist-model-failed": "true"}
    async with running(rollout(champion, candidate, weight=100), tmp_path) as gateway:
        answers = [await gateway.ask() for _ in range(5)]
        assert {one.headers["x-soloist-version"] for one in answers} == {"7"}
        tally = (await gateway.reading()).attempts("8")
        assert (tally.requests, tally.errors) == (5, 5)


async def test_a_candidate_that_refuses_what_the_champion_takes_is_counted_and_harms_nobody(
    pod: MakePod, tmp_path: Path
) -> None:
    champion, candidate = await pod("7"), await pod("8")
    candidate.status = 400
    async with running(rollout(champion, candidate, weight=100), tmp_path) as gateway:
        answers = [await gateway.ask() for _ in range(5)]
        assert {one.headers["x-soloist-version"] for one in answers} == {"7"}
        reading = await gateway.reading()
        assert (reading.attempts("8").requests, reading.attempts("8").errors) == (5, 5)
        assert reading.attempts("7").errors == 0


async def test_a_request_that_everybody_refuses_is_counted_once(
    pod: MakePod, tmp_path: Path
) -> None:
    champion, candidate = await pod("7"), await pod("8")
    champion.status = candidate.status = 400
    async with running(rollout(champion, candidate, weight=50), tmp_path) as gateway:
        answers = [await gateway.ask() for _ in range(40)]
        assert {one.status_code for one in answers} == {400}
        reading = await gateway.reading()
    errors = [reading.attempts(version).errors for version in ("7", "8")]
    assert sum(errors) == 40, "by who was asked first"
    assert min(errors) > 5


async def test_a_candidate_that_hangs_costs_one_try(pod: MakePod, tmp_path: Path) -> None:
    champion, candidate = await pod("7"), await pod("8")
    candidate.seconds = 60
    plan = rollout(champion, candidate, weight=100, try_timeout_seconds=0.2)
    async with running(plan, tmp_path) as gateway:
        answer = await gateway.ask()
        assert answer.headers["x-soloist-rung"] == "champion"
        assert answer.elapsed.total_seconds() < 5
        tally = (await gateway.reading()).attempts("8")
        assert (tally.requests, tally.errors, tally.timeouts) == (1, 1, 1)


async def test_a_shadow_sees_everything_and_is_seen_by_nobody(pod: MakePod, tmp_path: Path) -> None:
    champion, candidate = await pod("7"), await pod("8")
    candidate.status = 500
    async with running(rollout(champion, candidate, shadow_percent=100), tmp_path) as gateway:
        for number in range(20):
            answer = await gateway.ask(json={"inputs": [number]})
            assert (answer.status_code, answer.headers["x-soloist-version"]) == (200, "7")

        async def all_copies_are_counted() -> bool:
            return sum((await gateway.reading()).shadow("8").milliseconds.values()) == 20

        await eventually(all_copies_are_counted)
        reading = await gateway.reading()
        assert (reading.shadow("8").requests, reading.shadow("8").errors) == (20, 20)
        assert reading.attempts("8").requests == 0
        bodies = [[one.body for one in each.requests] for each in (champion, candidate)]
        assert sorted(bodies[0]) == sorted(bodies[1])
        assert {one.headers.get("x-soloist-shadow") for one in candidate.requests} == {"true"}
        assert {one.headers.get("x-soloist-shadow") for one in champion.requests} == {None}


async def test_a_shadow_that_hangs_keeps_nobody_waiting(pod: MakePod, tmp_path: Path) -> None:
    champion, candidate = await pod("7"), await pod("8")
    candidate.seconds = 60
    async with running(rollout(champion, candidate, shadow_percent=100), tmp_path) as gateway:
        for _ in range(20):
            assert (await gateway.ask()).elapsed.total_seconds() < 5
