"""The lowest rung: what answers when champion and version before are dead, and says what it is."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from soloist.kinds.modelendpoint import names, traffic
from tests.gateway.conftest import MakePod
from tests.gateway.load import load
from tests.gateway.running import eventually, running
from tests.gateway.test_ladder import PER_SECOND, by_start, plan_of, seen
from tests.support.kinds import endpoint_facts


async def test_when_champion_and_version_before_are_dead_the_baseline_answers_and_says_so(
    pod: MakePod, tmp_path: Path
) -> None:
    champion, previous = await pod("7"), await pod("6")
    baseline = await pod(names.CONSTANT)
    async with running(plan_of(champion, previous, baseline), tmp_path) as gateway:
        async with load(gateway.plan.place.port, per_second=PER_SECOND) as traffic_of_clients:
            await seen(traffic_of_clients, 50)
            await asyncio.gather(champion.kill(), previous.kill())
            died = time.monotonic()
            await seen(traffic_of_clients, 200)
        first = next(one for one in by_start(traffic_of_clients) if one.began > died)
        assert traffic_of_clients.failed == []
        assert (first.version, first.rung) == ("constant", "baseline")
        assert first.ended - died < 1

        # And the operator reads it from the same counters.
        async def the_operator_sees_it() -> bool:
            facts = endpoint_facts(readings={"g": await gateway.reading()})
            return traffic.rung(gateway.plan, facts) == "baseline"

        await eventually(the_operator_sees_it)
        await champion.start()
        await gateway.answers_from("champion")


async def test_another_champion_does_not_take_the_baseline_away(
    pod: MakePod, tmp_path: Path
) -> None:
    old, new, baseline = await pod("7"), await pod("8"), await pod(names.CONSTANT)
    async with running(plan_of(old, await pod("6"), baseline), tmp_path) as gateway:
        await asyncio.gather(*(one.kill() for one in (old, new)))
        async with load(gateway.plan.place.port, per_second=PER_SECOND) as clients:
            # Both of the new ladder's upper rungs are dead as it comes.
            await gateway.change(plan_of(new, old, baseline))
            changed = time.monotonic()
            await seen(clients, 200)
    assert clients.failed == []
    assert set(clients.versions(after=changed)) == {"constant"}
