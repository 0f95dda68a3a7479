"""A gateway: the real Envoy on a plan's files, in a folder that is mounted as Kubernetes would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from soloist.gateway.files import args, files, versions
from soloist.gateway.plan import GatewayPlan, Place
from soloist.gateway.readings import READINGS_PATH, Reading, parse_reading
from tests.cluster.ports import free_ports
from tests.gateway.mount import Mount
from tests.support.envoy import envoy

# On a machine with time to spare all of it happens within a second or two; a crowded one is no fault of the gateway.
SOON = 60.0


async def eventually(holds: Callable[[], Awaitable[bool]], *, within: float = SOON) -> float:
    """How long it took until it held; asked again and again."""
    began = time.monotonic()
    while not await holds():
        assert time.monotonic() - began < within, f"not within {within} s: {holds.__qualname__}"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


@dataclass
class Gateway:
    plan: GatewayPlan
    mount: Mount
    process: asyncio.subprocess.Process
    client: httpx.AsyncClient
    log: Path

    @property
    def address(self) -> str:
        scheme = "https" if self.plan.tls else "http"
        return f"{scheme}://127.0.0.1:{self.plan.place.port}"

    async def ask(self, path: str = "/invocations", **told: object) -> httpx.Response:
        given = {"json": {"inputs": [1]}, **told}
        return await self.client.post(self.address + path, **given)  # type: ignore[arg-type] # httpx's many keywords

    async def page(self, path: str) -> httpx.Response:
        return await self.client.get(f"http://127.0.0.1:{self.plan.place.stats_port}{path}")

    async def reading(self) -> Reading:
        return parse_reading((await self.page(READINGS_PATH)).text)

    async def change(self, plan: GatewayPlan) -> float:
        """Give it another plan as the kubelet would; how long until it follows."""
        self.plan = replace(plan, place=self.plan.place)
        written = files(self.plan)
        self.mount.write(written)
        wanted = versions(written)

        async def follows_the_new_files() -> bool:
            return (await self.reading()).is_live(wanted)

        return await eventually(follows_the_new_files)

    async def answers_from(self, rung: str) -> float:
        """How long until the rung answers."""

        async def the_rung_answers() -> bool:
            return (await self.ask()).headers.get("x-soloist-rung") == rung

        return await eventually(the_rung_answers)


@asynccontextmanager
async def running(
    plan: GatewayPlan,
    folder: Path,
    *,
    edit: Callable[[Mapping[str, str]], Mapping[str, str]] = lambda written: written,
) -> AsyncIterator[Gateway]:
    """Envoy, up and knowing its pods; `edit` may change a file that a plan can't say."""
    port, stats, admin = free_ports(3)
    place = Place(
        address="127.0.0.1",
        port=port,
        stats_port=stats,
        admin_port=admin,
        folder=str(folder / "config"),
    )
    plan = replace(plan, place=place)
    mount, log = Mount(folder / "config"), folder / "access.log"
    mount.write(edit(files(plan)))
    with log.open("wb") as out, (folder / "envoy.log").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            envoy(), *args(plan), stdout=out, stderr=errors
        )
    try:
        async with httpx.AsyncClient(verify=False, timeout=30) as client:
            gateway = Gateway(plan, mount, process, client, log)
            await eventually(_is_up(gateway))
            yield gateway
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _is_up(gateway: Gateway) -> Callable[[], Awaitable[bool]]:
    """Ready, and each version's pods are found and probed."""
    known = [backend.version for backend in gateway.plan.backends]

    async def is_up() -> bool:
        assert gateway.process.returncode is None, gateway.log.with_name("envoy.log").read_text()
        try:
            if (await gateway.page("/ready")).status_code != 200:
                return False
            reading = await gateway.reading()
        except httpx.TransportError:
            return False
        return all(reading.pods(version).healthy for version in known)

    return is_up
