"""Who may take the lease, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from soloist.adapters.kube_transport import Transport
from soloist.adapters.lease import Lease
from soloist.control.ports import ClusterError, NotLeading


class LeaseServer:
    """One lease, as the API server keeps it; requests are counted."""

    def __init__(self) -> None:
        self.live: dict[str, Any] | None = None
        self.requests = 0
        self.down = False

    async def json(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        self.requests += 1
        if self.down:
            raise ClusterError("down", code=0, reason="Unavailable")
        if method == "GET":
            if self.live is None:
                raise ClusterError("none", code=404, reason="NotFound")
            return self.live
        assert body is not None
        before = self.live["metadata"]["resourceVersion"] if self.live else None
        if body["metadata"].get("resourceVersion") != before:
            raise ClusterError("changed", code=409, reason="Conflict")
        version = str(int(before or 0) + 1)
        self.live = {**body, "metadata": {**body["metadata"], "resourceVersion": version}}
        return self.live


class Bench:
    """Candidates on one server, under one clock."""

    def __init__(self) -> None:
        self.server = LeaseServer()
        self.now = 0.0

    def candidate(self, name: str) -> Lease:
        transport = cast("Transport", self.server)
        return Lease(transport, namespace="n", name="l", identity=name, clock=lambda: self.now)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def leads(lease: Lease) -> bool:
    try:
        lease.check()
    except NotLeading:
        return False
    return True


async def test_the_first_takes_it_and_the_second_waits(bench: Bench) -> None:
    one, two = bench.candidate("one"), bench.candidate("two")
    assert await one.attempt()
    assert not await two.attempt()
    assert (leads(one), leads(two)) == (True, False)


async def test_a_silent_leader_is_replaced_after_its_time(bench: Bench) -> None:
    one, two = bench.candidate("one"), bench.candidate("two")
    await one.attempt()
    await two.attempt()
    bench.now = 12
    assert not await two.attempt()
    bench.now = 16
    assert not leads(one)
    assert await two.attempt()
    assert not await one.attempt()
    assert bench.server.live is not None
    assert bench.server.live["spec"]["leaseTransitions"] == 1


async def test_a_leader_that_renews_is_never_replaced(bench: Bench) -> None:
    one, two = bench.candidate("one"), bench.candidate("two")
    await one.attempt()
    for bench.now in range(0, 100, 2):
        assert await one.attempt()
        assert not await two.attempt()


async def test_there_is_no_moment_with_two_leaders(bench: Bench) -> None:
    one, two = bench.candidate("one"), bench.candidate("two")
    await one.attempt()
    for tenth in range(300):
        bench.now = tenth / 10
        await two.attempt()
        assert not (leads(one) and leads(two)), f"two leaders at {bench.now} s"
    assert leads(two)


async def test_a_lease_that_was_given_back_is_taken_at_once(bench: Bench) -> None:
    one, two = bench.candidate("one"), bench.candidate("two")
    await one.attempt()
    await one.release()
    assert not leads(one)
    assert await two.attempt()


async def test_the_same_candidate_begins_anew_at_once(bench: Bench) -> None:
    await bench.candidate("one").attempt()
    assert await bench.candidate("one").attempt()


async def test_a_renewal_is_one_request(bench: Bench) -> None:
    one = bench.candidate("one")
    await one.attempt()
    bench.server.requests = 0
    await one.attempt()
    assert bench.server.requests == 1


async def test_a_short_outage_costs_nothing_a_long_one_the_lease(bench: Bench) -> None:
    one = bench.candidate("one")
    await one.attempt()
    bench.server.down = True
    bench.now = 10
    assert not await one.attempt()
    assert leads(one)
    bench.now = 12
    assert not leads(one)
    bench.server.down = False
    assert await one.attempt()


async def test_releasing_takes_nothing_from_another(bench: Bench) -> None:
    one, two = bench.candidate("one"), bench.candidate("two")
    await one.attempt()
    await two.attempt()
    bench.now = 16
    await two.attempt()
    await one.release()
    assert bench.server.live is not None
    assert bench.server.live["spec"]["holderIdentity"] == "two"
