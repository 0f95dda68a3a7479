"""Pods and gateways of one test, gone with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.cluster.ports import free_ports
from tests.gateway.pods import Pod

MakePod = Callable[[str], Awaitable[Pod]]


@pytest.fixture
async def pod() -> AsyncIterator[MakePod]:
    """A pod of a version, answering."""
    made: list[Pod] = []

    async def make(version: str) -> Pod:
        (port,) = free_ports(1)
        one = Pod(version, port)
        await one.start()
        made.append(one)
        return one

    yield make
    for one in made:
        await one.kill()
