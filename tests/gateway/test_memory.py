"""A gateway has so much memory: whoever comes in crowds, or with large bodies, doesn't end it for everybody."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from soloist.gateway.bootstrap import LOOK_EVERY_SECONDS, MOST_CLIENTS
from soloist.gateway.plan import MOST_BODY_BYTES, MOST_BUFFERED_BYTES, MOST_MEMORY_BYTES
from tests.gateway.conftest import MakePod
from tests.gateway.running import SOON, Gateway, eventually, running
from tests.gateway.test_ladder import plan_of

CROWD, HELD = 24, 600
PIECE = 2**18
LARGE = MOST_BODY_BYTES
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    """Each client is one here, and two in Envoy, which inherits the limit; a shell's usual 1024 are too few."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


def used(gateway: Gateway) -> int:
    """What counts against a container's limit and can't be given back, in bytes."""
    lines = Path(f"/proc/{gateway.process.pid}/status").read_text().splitlines()
    (anonymous,) = (line for line in lines if line.startswith("RssAnon:"))
    return int(anonymous.split()[1]) * 1024


def request(length: int) -> bytes:
    return (
        "POST /invocations HTTP/1.1\r\nhost: m\r\ncontent-type: application/json\r\n"
        f"content-length: {length}\r\n\r\n"
    ).encode()


@contextlib.asynccontextmanager
async def clients(gateway: Gateway, number: int) -> AsyncIterator[list[Client]]:
    port = gateway.plan.place.port
    made = [await asyncio.open_connection("127.0.0.1", port) for _ in range(number)]
    yield made
    for _, writer in made:
        writer.transport.abort()


async def refusal(readers: list[asyncio.StreamReader]) -> bytes:
    """The first answer that is none but a refusal."""
    heads = [asyncio.create_task(reader.readuntil(b"\r\n\r\n")) for reader in readers]
    try:
        for head in asyncio.as_completed(heads):
            # Who still writes when he is refused may meet a closed connection before he reads why.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                if (told := await head).startswith(b"HTTP/1.1 503"):
                    return told
    finally:
        for one in heads:
            one.cancel()
        await asyncio.gather(*heads, return_exceptions=True)
    raise AssertionError("nobody was refused")


async def test_a_crowd_that_waits_is_let_in_up_to_a_number(pod: MakePod, tmp_path: Path) -> None:
    champion = await pod("7")
    champion.seconds = 60
    async with (
        running(plan_of(champion), tmp_path) as gateway,
        clients(gateway, MOST_CLIENTS + 100) as crowd,
    ):
        for _, writer in crowd:
            writer.write(request(2) + b"{}")

        async def the_last_are_turned_away() -> bool:
            return crowd[-1][0].at_eof()

        await eventually(the_last_are_turned_away)
        assert used(gateway) < MOST_MEMORY_BYTES * 0.75
        assert (await gateway.page("/ready")).status_code == 200


async def test_large_bodies_are_passed_on_and_not_gathered(pod: MakePod, tmp_path: Path) -> None:
    champion = await pod("7")
    async with (
        running(plan_of(champion, timeout_seconds=120), tmp_path) as gateway,
        clients(gateway, CROWD) as crowd,
    ):
        # When bodies for twice the memory come at once, a piece at a time
        highest = 0
        for _, writer in crowd:
            writer.write(request(LARGE))
        for _ in range(LARGE // PIECE):
            for _, writer in crowd:
                writer.write(bytes(PIECE))
            await asyncio.gather(*(writer.drain() for _, writer in crowd))
            highest = max(highest, used(gateway))

        # then all are answered, and the memory was never near its end
        for reader, _ in crowd:
            assert (await reader.readline()).split()[1] == b"200"
        assert {len(one.body) for one in champion.requests} == {LARGE}
        assert highest < MOST_MEMORY_BYTES * 0.75


async def test_where_the_heap_is_full_requests_are_refused_until_it_is_not(
    pod: MakePod, tmp_path: Path
) -> None:
    """Bodies that are held whole, of more clients than there is memory for."""
    champion = await pod("7")
    async with running(plan_of(champion), tmp_path) as gateway:
        async with clients(gateway, HELD) as crowd:
            for _, writer in crowd:
                writer.write(request(MOST_BUFFERED_BYTES) + bytes(MOST_BUFFERED_BYTES - 1))
                # Two dozen come between two looks of the overload manager: all at once would be in before the first.
                await asyncio.sleep(LOOK_EVERY_SECONDS / 25)

            # then the last of them hear so, and the memory is not at its end
            head = await asyncio.wait_for(refusal([reader for reader, _ in crowd]), SOON)
            assert b"\r\nretry-after: 1\r\n" in head
            assert used(gateway) < MOST_MEMORY_BYTES
            # and it is no reason to send its clients to the other gateways, which would be full next
            assert (await gateway.page("/ready")).status_code == 200

        async def it_answers_again() -> bool:
            return (await gateway.ask()).status_code == 200

        await eventually(it_answers_again)
