"""The files change under load, as when an operator rolls out, and no request is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from soloist.gateway.drain import pre_stop
from tests.gateway.conftest import MakePod
from tests.gateway.load import load
from tests.gateway.running import eventually, running
from tests.gateway.test_ladder import PER_SECOND, plan_of, seen


async def test_a_whole_rollout_is_live_at_once_and_loses_nothing(
    pod: MakePod, tmp_path: Path
) -> None:
    old, new, older = await pod("7"), await pod("8"), await pod("6")
    for one in (old, new, older):
        one.seconds = 0.02
    before = plan_of(old, older)
    canary = replace(before, candidate=new.backend("candidate"), weight=50)
    steps = [
        canary,  # a version that wasn't known, and requests for it, in one change
        replace(canary, weight=90),
        plan_of(new, old),  # promoted: the oldest goes with requests under way
        plan_of(new, old, rate_limit=5000),  # a new listener
        before,  # and back
    ]
    async with (
        running(before, tmp_path) as gateway,
        load(gateway.plan.place.port, per_second=PER_SECOND) as traffic,
    ):
        for step in steps:
            await gateway.change(step)
            await seen(traffic, 60)
    assert traffic.failed == []
    assert set(traffic.versions()) == {"7", "8"}


async def test_a_broken_file_changes_nothing(pod: MakePod, tmp_path: Path) -> None:
    champion = await pod("7")
    async with running(plan_of(champion), tmp_path) as gateway:
        live = (await gateway.reading()).live
        gateway.mount.write(dict.fromkeys(("cds.json", "lds.json", "rds.json"), "{"))

        async def it_was_refused() -> bool:
            page = (await gateway.page("/stats/prometheus")).text
            return 'rds_update_failure{envoy_rds_route_config="gateway"' in page or (
                "envoy_listener_manager_lds_update_failure{} 1" in page
            )

        await eventually(it_was_refused)
        assert (await gateway.reading()).live == live
        assert (await gateway.ask()).status_code == 200


async def test_a_gateway_that_stops_answers_what_it_has(pod: MakePod, tmp_path: Path) -> None:
    champion = await pod("7")
    plan = plan_of(champion, drain_seconds=1)
    async with running(plan, tmp_path) as gateway:
        champion.seconds = 2
        slow = asyncio.create_task(gateway.ask())

        async def it_is_under_way() -> bool:
            return len(champion.requests) == 1

        await eventually(it_is_under_way)
        champion.seconds = 0
        stop = await asyncio.create_subprocess_exec(*pre_stop(gateway.plan))

        async def it_says_so() -> bool:
            return (await gateway.page("/ready")).status_code == 503

        await eventually(it_says_so)
        answer = await gateway.ask()
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        assert await stop.wait() == 0
        assert slow.done()
        assert slow.result().status_code == 200
