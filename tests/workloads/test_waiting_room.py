"""The waiting room as the process that runs beside a gateway: what it tells, what it holds at most, how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from soloist_workloads.environment import SettingsError
from soloist_workloads.waiting_room.room import MOST_HELD
from soloist_workloads.waiting_room.settings import parse_waiting
from tests.cluster.ports import free_ports
from tests.gateway.running import eventually

WORKLOADS = Path(__file__).resolve().parents[2] / "workloads"
# The pod's limit is 96 MiB.
MOST_BYTES = 80 * 1024 * 1024


class Process:
    """One room; its champion never comes."""

    def __init__(self) -> None:
        self.port, self.held_port, nobody = free_ports(3)
        self.env = {
            **os.environ,
            "PYTHONPATH": str(WORKLOADS),
            "SOLOIST_CHAMPION": f"127.0.0.1:{nobody}",
            "SOLOIST_WAIT_SECONDS": "600",
            "SOLOIST_PORT": str(self.port),
            "SOLOIST_HELD_PORT": str(self.held_port),
        }
        self.process: asyncio.subprocess.Process

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "soloist_workloads.waiting_room"),
            env=self.env,
            stderr=asyncio.subprocess.PIPE,
        )
        await self.until_held(0)

    async def until_held(self, number: int) -> None:
        async def so_many() -> bool:
            try:
                return await self.page("/held") == (200, str(number))
            except OSError:
                return False

        await eventually(so_many)

    async def page(self, path: str) -> tuple[int, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.held_port)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: room\r\n\r\n".encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        return int(head.split(" ")[1]), body

    async def ask(self, size: int) -> asyncio.StreamReader:
        """Sends as much of a body as is taken."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = f"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n"
        writer.write(head.encode() + b"x" * size)
        reader.writer = writer  # type: ignore[attr-defined]  # kept open as long as the reader is
        return reader

    def bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(one for one in status.splitlines() if one.startswith("VmRSS"))
        return int(line.split()[1]) * 1024


@pytest.fixture
async def room() -> AsyncIterator[Process]:
    process = Process()
    await process.start()
    yield process
    if process.process.returncode is None:
        process.process.kill()
        await process.process.wait()


async def test_as_many_as_it_takes_with_long_bodies_fit_into_its_memory(room: Process) -> None:
    asked = [await room.ask(1024 * 1024) for _ in range(MOST_HELD)]
    await room.until_held(MOST_HELD)
    assert room.bytes() < MOST_BYTES
    refused = await (await room.ask(100)).read()
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1\r\n" in refused
    assert len(asked) == MOST_HELD


async def test_it_ends_at_once_and_without_a_word(room: Process) -> None:
    asked = [await room.ask(100) for _ in range(5)]
    await room.until_held(5)
    assert (await room.page("/other"))[0] == 404
    room.process.send_signal(signal.SIGTERM)
    _, said = await asyncio.wait_for(room.process.communicate(), 10)
    assert (room.process.returncode, said) == (0, b"")
    assert len(asked) == 5


@pytest.mark.parametrize("champion", ["", "flights", "flights:http", ":8080"])
def test_a_champion_without_an_address_is_named(champion: str) -> None:
    with pytest.raises(SettingsError, match="SOLOIST_CHAMPION"):
        parse_waiting({"SOLOIST_CHAMPION": champion})
