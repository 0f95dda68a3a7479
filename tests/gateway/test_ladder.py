"""Pods die, and nobody outside notices."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from soloist.gateway.plan import GatewayPlan
from tests.gateway.conftest import MakePod
from tests.gateway.load import Answer, Load, load
from tests.gateway.pods import Pod
from tests.gateway.running import eventually, running

PER_SECOND = 100


def plan_of(champion: Pod, *fallbacks: Pod, **more: object) -> GatewayPlan:
    rungs = ("previous", "baseline")
    lower = tuple(one.backend(rung) for one, rung in zip(fallbacks, rungs, strict=False))  # type: ignore[arg-type] # these are rungs
    return GatewayPlan(
        "tour", "flights", "tour.flights", champion.backend("champion"), lower, **more
    )  # type: ignore[arg-type] # what the test names


async def seen(traffic: Load, count: int) -> None:
    """Until so many more answers came."""
    enough = len(traffic.answers) + count

    async def enough_came() -> bool:
        return len(traffic.answers) >= enough

    await eventually(enough_came)


def by_start(traffic: Load) -> list[Answer]:
    return sorted(traffic.answers, key=lambda one: one.began)


async def test_when_the_champion_dies_the_next_rung_answers_and_it_comes_back_once(
    pod: MakePod, tmp_path: Path
) -> None:
    champion, previous, baseline = await pod("7"), await pod("6"), await pod("1")
    async with running(plan_of(champion, previous, baseline), tmp_path) as gateway:
        async with load(gateway.plan.place.port, per_second=PER_SECOND) as traffic:
            await seen(traffic, 100)
            died = time.monotonic()
            await champion.kill()
            await seen(traffic, 300)
            await champion.start()
            await gateway.answers_from("champion")
            back = time.monotonic()
            await seen(traffic, 300)
        assert traffic.failed == []
        first = next(one for one in traffic.answers if one.began > died and one.version == "6")
        assert first.ended - died < 1
        assert traffic.versions(after=back) == {"7": traffic.versions(after=back).total()}
        turns = [
            (a.version, b.version) for a, b in pairwise(by_start(traffic)) if a.version != b.version
        ]
        assert len(turns) <= 4, f"flapped: {turns}"
        assert (await gateway.reading()).attempts("7").errors > 0


async def test_when_two_rungs_die_at_once_the_last_one_answers(
    pod: MakePod, tmp_path: Path
) -> None:
    champion, previous, baseline = await pod("7"), await pod("6"), await pod("1")
    async with running(plan_of(champion, previous, baseline), tmp_path) as gateway:
        async with load(gateway.plan.place.port, per_second=PER_SECOND) as traffic:
            await seen(traffic, 50)
            died = time.monotonic()
            await asyncio.gather(champion.kill(), previous.kill())
            await seen(traffic, 200)
        assert traffic.failed == []
        assert traffic.versions(after=died + 0.5) == {
            "1": traffic.versions(after=died + 0.5).total()
        }


async def test_one_pod_of_two_dies_and_the_rung_stays(pod: MakePod, tmp_path: Path) -> None:
    one, other, previous = await pod("7"), await pod("7"), await pod("6")

    def with_both(written: Mapping[str, str]) -> Mapping[str, str]:
        """What DNS would say of a Service with two pods."""
        clusters = json.loads(written["cds.json"])
        found = next(it for it in clusters["resources"] if it["name"] == "v7")
        ends = found["load_assignment"]["endpoints"][0]["lb_endpoints"]
        second = json.loads(json.dumps(ends[0]))
        second["endpoint"]["address"]["socket_address"]["port_value"] = other.port
        ends.append(second)
        return {**written, "cds.json": json.dumps(clusters)}

    async with running(plan_of(one, previous), tmp_path, edit=with_both) as gateway:
        async with load(gateway.plan.place.port, per_second=PER_SECOND) as traffic:
            await seen(traffic, 50)
            await one.kill()
            await seen(traffic, 300)
        assert traffic.failed == []
        # The next rung answered for the pod that died, until three failures in a row took it out.
        assert {one.version for one in by_start(traffic)[-50:]} == {"7"}


async def test_a_pod_that_says_it_is_not_ready_gets_no_requests(
    pod: MakePod, tmp_path: Path
) -> None:
    champion, previous = await pod("7"), await pod("6")
    async with running(plan_of(champion, previous), tmp_path) as gateway:
        champion.is_ready = False
        await gateway.answers_from("previous")
        champion.is_ready = True
        await gateway.answers_from("champion")


async def test_a_busy_pod_keeps_its_place_and_its_load_spills(pod: MakePod, tmp_path: Path) -> None:
    """Refusing what is too much is no illness: to take the pod out would only make the next one busy."""
    champion, previous = await pod("7"), await pod("6")
    champion.status, champion.headers = 503, {"retry-after": "1"}
    async with running(plan_of(champion, previous), tmp_path) as gateway:
        for _ in range(20):
            assert (await gateway.ask()).headers["x-soloist-rung"] == "previous"
        reading = await gateway.reading()
        assert (reading.pods("7").ejected, reading.ejections("7")) == (0, 0)
        assert reading.attempts("7").errors == 20


async def test_the_last_rung_is_never_taken_out(pod: MakePod, tmp_path: Path) -> None:
    champion = await pod("7")
    async with running(plan_of(champion), tmp_path) as gateway:
        champion.status = 500
        for _ in range(10):
            assert (await gateway.ask()).status_code == 500
        champion.status = 200
        assert (await gateway.ask()).status_code == 200


async def test_with_nobody_left_the_answer_says_when_to_come_again(
    pod: MakePod, tmp_path: Path
) -> None:
    champion = await pod("7")
    async with running(plan_of(champion), tmp_path) as gateway:
        await champion.kill()

        async def nobody_is_left() -> bool:
            return (await gateway.reading()).pods("7").healthy == 0

        await eventually(nobody_is_left)
        answer = await gateway.ask()
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "kubectl get modelendpoint flights" in answer.json()["error"]
        assert "x-soloist-rung" not in answer.headers
        await champion.start()
        await gateway.answers_from("champion")
