"""The champion's pods are gone, and nobody outside notices: requests wait beside the gateway until there is one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from soloist.gateway.plan import GatewayPlan, WaitingRoom
from soloist_workloads.waiting_room.champion import Champion
from soloist_workloads.waiting_room.room import MOST_HELD, Room
from tests.cluster.ports import free_ports
from tests.gateway.conftest import MakePod
from tests.gateway.pods import Pod
from tests.gateway.running import Gateway, eventually, running

TIMEOUT = 1.0


@asynccontextmanager
async def beside(
    champion: Pod, folder: Path, *fallbacks: Pod, seconds: float = 30, most: int = MOST_HELD
) -> AsyncIterator[tuple[Gateway, Room]]:
    """A gateway with its waiting room."""
    (port,) = free_ports(1)
    plan = GatewayPlan(
        "tour",
        "flights",
        "tour.flights",
        champion.backend("champion"),
        tuple(one.backend("previous") for one in fallbacks),
        timeout_seconds=TIMEOUT,
        waiting=WaitingRoom(seconds=seconds, port=port),
    )
    room = Room(Champion("127.0.0.1", champion.port), seconds=seconds, most=most)
    async with (
        await asyncio.start_server(room.take, "127.0.0.1", port),
        running(plan, folder) as gateway,
    ):
        yield gateway, room


async def asleep(gateway: Gateway, *pods: Pod) -> None:
    """Its pods go, and the gateway knows it."""
    for pod in pods:
        await pod.kill()

    async def all_are_gone() -> bool:
        reading = await gateway.reading()
        return not any(reading.pods(pod.version).healthy for pod in pods)

    await eventually(all_are_gone)


async def holds(room: Room, number: int) -> None:
    async def so_many_wait() -> bool:
        return room.held == number

    await eventually(so_many_wait)


async def test_requests_wait_for_the_first_pod_longer_than_for_an_answer(
    pod: MakePod, tmp_path: Path
) -> None:
    champion, previous = await pod("7"), await pod("6")
    async with beside(champion, tmp_path, previous) as (gateway, room):
        await asleep(gateway, champion, previous)
        asked = [asyncio.create_task(gateway.ask()) for _ in range(20)]
        await holds(room, 20)
        await asyncio.sleep(3 * TIMEOUT)
        assert not any(one.done() for one in asked)
        await champion.start()
        answers = await asyncio.gather(*asked)
        assert {one.status_code for one in answers} == {200}
        assert {one.headers["x-soloist-rung"] for one in answers} == {"champion"}
        assert {one.headers["x-soloist-version"] for one in answers} == {"7"}
        assert all(one.json() == {"version": "7"} for one in answers)
        assert len(champion.requests) == 20
        await gateway.answers_from("champion")
    assert room.held == 0


async def test_what_waited_arrives_whole_and_so_does_its_answer(
    pod: MakePod, tmp_path: Path
) -> None:
    champion = await pod("7")
    async with beside(champion, tmp_path) as (gateway, room):
        await asleep(gateway, champion)
        large = bytes(range(256)) * 8192  # 2 MiB, far more than the room keeps
        champion.status, champion.headers = 400, {"x-soloist-model-failed": "true"}
        asked = asyncio.create_task(gateway.ask("/v2/models/m/infer?x=1", json=None, content=large))
        await holds(room, 1)
        await champion.start()
        answer = await asked
        assert (answer.status_code, answer.headers["x-soloist-model-failed"]) == (400, "true")
        assert champion.requests[0].body == large
        assert champion.requests[0].path == "/v2/models/m/infer?x=1"
        assert champion.requests[0].headers["x-request-id"] == answer.headers["x-request-id"]


async def test_who_waits_too_long_is_told_when_to_come_again(pod: MakePod, tmp_path: Path) -> None:
    champion = await pod("7")
    async with beside(champion, tmp_path, seconds=0.5) as (gateway, room):
        await asleep(gateway, champion)
        answer = await gateway.ask()
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "did not start within 0.5 s" in answer.json()["error"]
        assert (room.held, room.noticed) == (0, 1)


async def test_only_so_many_wait_and_the_rest_is_refused_at_once(
    pod: MakePod, tmp_path: Path
) -> None:
    champion = await pod("7")
    async with beside(champion, tmp_path, most=2) as (gateway, room):
        await asleep(gateway, champion)
        waiting = [asyncio.create_task(gateway.ask()) for _ in range(2)]
        await holds(room, 2)
        # Of the large ones some outgrow what the gateway keeps while it looks for another pod: 507 in Envoy's own words.
        for length in (300_000, 3) * 30:
            refused = await gateway.ask(json=None, content=b"x" * length)
            assert (refused.status_code, refused.headers.get("retry-after")) == (503, "1")
            if length == 3:
                assert "Too many requests wait" in refused.json()["error"]
        await champion.start()
        assert {one.status_code for one in await asyncio.gather(*waiting)} == {200}


async def test_a_client_that_leaves_gives_its_place_back(pod: MakePod, tmp_path: Path) -> None:
    champion = await pod("7")
    async with beside(champion, tmp_path) as (gateway, room):
        await asleep(gateway, champion)
        asked = asyncio.create_task(gateway.ask())
        await holds(room, 1)
        asked.cancel()
        await holds(room, 0)
        assert room.noticed == 1  # it wanted an answer: the endpoint should wake for the next one


async def test_a_pod_that_hangs_costs_one_try_and_the_next_rung_answers(
    pod: MakePod, tmp_path: Path
) -> None:
    """Without a waiting room the route limits a try; with one, the version's cluster has to."""
    champion, previous = await pod("7"), await pod("6")
    champion.seconds = 30
    async with beside(champion, tmp_path, previous) as (gateway, _):
        answer = await gateway.ask()
        assert (answer.status_code, answer.headers["x-soloist-rung"]) == (200, "previous")
        assert TIMEOUT / 2 <= answer.elapsed.total_seconds() < 2 * TIMEOUT
        assert (await gateway.reading()).attempts("7").errors == 1


async def test_a_pod_that_dies_while_it_is_asked_is_asked_again(
    pod: MakePod, tmp_path: Path
) -> None:
    champion = await pod("7")
    champion.seconds = 60
    async with beside(champion, tmp_path) as (gateway, room):
        await asleep(gateway, champion)
        asked = asyncio.create_task(gateway.ask())
        await holds(room, 1)
        await champion.start()

        async def it_was_asked() -> bool:
            return len(champion.requests) == 1

        await eventually(it_was_asked)
        await champion.kill()
        champion.seconds = 0
        await champion.start()
        answer: httpx.Response = await asked
        assert (answer.status_code, len(champion.requests)) == (200, 2)
