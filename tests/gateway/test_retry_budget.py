"""Retries that help are free; those that don't are few."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from soloist.gateway.budget import SHARE, STOCK
from tests.cluster.ports import free_ports
from tests.gateway.conftest import MakePod
from tests.gateway.load import load
from tests.gateway.pods import Pod, Request
from tests.gateway.running import eventually, running
from tests.gateway.test_ladder import plan_of, seen

PER_SECOND = 150
# A request that was let through before the stock ran out is charged later: as many as are under way at once.
UNDER_WAY = 60


class Dropping(Pod):
    """It takes requests and closes the connection on them."""

    async def _answer(self, request: Request) -> bytes:
        answer = await Pod._answer(self, request)
        if self.status == 0:
            raise ConnectionError
        return answer


async def dropping(version: str) -> Pod:
    (port,) = free_ports(1)
    one = Dropping(version, port)
    await one.start()
    return one


@pytest.mark.parametrize("status", [500, 0], ids=["errors", "lost connections"])
@pytest.mark.parametrize("rungs", [1, 2])
async def test_in_an_outage_of_everything_retries_are_a_fifth_and_ten_a_second(
    tmp_path: Path, rungs: int, status: int
) -> None:
    pods = [await dropping(version) for version in ("7", "6")[:rungs]]
    async with running(plan_of(*pods), tmp_path) as gateway:
        for one in pods:
            one.status = status
        began = time.monotonic()
        async with load(gateway.plan.place.port, per_second=PER_SECOND) as traffic:
            await seen(traffic, 700)
        span = time.monotonic() - began
    tries = sum(len(one.requests) for one in pods)
    most = STOCK + SHARE * traffic.sent + 10 * span + UNDER_WAY
    assert {one.status for one in traffic.answers} <= {500, 502, 503}
    assert tries - traffic.sent <= most
    for one in pods:
        await one.kill()


async def test_the_stock_grows_again_when_it_is_over(pod: MakePod, tmp_path: Path) -> None:
    champion = await pod("7")
    async with running(plan_of(champion), tmp_path) as gateway:
        champion.status = 500
        for _ in range(100):
            await gateway.ask()
        tries = len(champion.requests)
        assert tries < 200

        async def it_is_asked_twice_again() -> bool:
            before = len(champion.requests)
            await gateway.ask()
            return len(champion.requests) == before + 2

        assert await eventually(it_is_asked_twice_again) < 10


async def test_all_that_a_dying_champion_drops_at_once_is_answered_by_the_next_rung(
    pod: MakePod, tmp_path: Path
) -> None:
    champion, previous = await pod("7"), await pod("6")
    async with running(plan_of(champion, previous), tmp_path) as gateway:
        champion.seconds = 60
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:
            address = gateway.address + "/invocations"
            asked: list[asyncio.Task[httpx.Response]] = []

            async def all_are_there() -> bool:
                return len(champion.requests) == len(asked)

            # One after the other: only so many may wait for a connection.
            for _ in range(4):
                asked += [asyncio.create_task(client.post(address, json={})) for _ in range(75)]
                await eventually(all_are_there)
            await champion.kill()
            answers = [await one for one in asked]
        assert {one.status_code for one in answers} == {200}
        assert {one.headers["x-soloist-rung"] for one in answers} == {"previous"}


async def test_what_a_busy_champion_leaves_to_the_next_rung_is_not_limited(
    pod: MakePod, tmp_path: Path
) -> None:
    champion, previous = await pod("7"), await pod("6")
    champion.status, champion.headers = 503, {"retry-after": "1"}
    async with running(plan_of(champion, previous), tmp_path) as gateway:
        async with load(gateway.plan.place.port, per_second=PER_SECOND) as traffic:
            await seen(traffic, 300)
        assert traffic.failed == []
        assert len(champion.requests) >= 300
