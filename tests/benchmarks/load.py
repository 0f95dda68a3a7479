"""The load: wrk for closed loops, and a small open loop that sends by the clock, whether the server answers or not."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.processes import LOAD_CPU

UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 60e3}


@dataclass(frozen=True, slots=True)
class Load:
    """What a load saw; milliseconds from the moment a request was due."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    refused: int = 0
    failed: int = 0
    slowest_refusal_ms: float = 0.0


def run_closed(port: int, path: str, body: Any, *, connections: int, seconds: int) -> Load:
    """wrk: each connection sends its next request when it has its answer."""
    script = (
        f'wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
        f"wrk.body = [==[{json.dumps(body)}]==]\n"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        text = subprocess.run(
            ["taskset", "-c", LOAD_CPU, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s",
             "--latency", "-s", file.name, f"http://127.0.0.1:{port}{path}"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    return parse_wrk(text)


def parse_wrk(text: str) -> Load:
    def find(pattern: str, default: str = "0") -> str:
        found = re.search(pattern, text)
        return found[1] if found else default

    def milliseconds(share: str) -> float:
        number = find(rf"\n\s+{share}%\s+(\S+)", "0us")
        value, unit = re.fullmatch(r"([\d.]+)(\w+)", number).groups()  # type: ignore[union-attr]
        return float(value) * UNITS[unit]

    errors = re.findall(r"(?:connect|read|write|timeout) (\d+)", text)
    return Load(
        requests=int(find(r"(\d+) requests in")),
        per_second=float(find(r"Requests/sec:\s+(\S+)")),
        p50_ms=milliseconds("50"),
        p99_ms=milliseconds("99"),
        failed=int(find(r"Non-2xx or 3xx responses: (\d+)")) + sum(map(int, errors)),
    )


def run_open(port: int, path: str, body: Any, *, per_second: int, seconds: int) -> Load:
    """In a process of its own, so that it can be pinned."""
    words = [str(port), path, json.dumps(body), str(per_second), str(seconds)]
    text = subprocess.run(
        ["taskset", "-c", LOAD_CPU, sys.executable, "-m", "tests.benchmarks.load", *words],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return Load(**json.loads(text))


@dataclass(slots=True)
class _Pool:
    """Connections that wait for a request; a new one is opened when none does."""

    port: int
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)
    seen: list[tuple[int, float]] = field(default_factory=list)

    async def send(self, request: bytes, due: float) -> None:
        try:
            reader, writer = (
                self.idle.pop()
                if self.idle
                else await asyncio.open_connection("127.0.0.1", self.port)
            )
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", head)[1]))  # type: ignore[index]
            self.idle.append((reader, writer))
            status = int(head[9:12])
        except (OSError, asyncio.IncompleteReadError, TypeError):
            status = 0
        self.seen.append((status, time.perf_counter() - due))


async def _send_by_the_clock(
    port: int, path: str, body: str, per_second: int, seconds: int
) -> dict[str, Any]:
    pool, tasks = _Pool(port), set()
    request = (
        f"POST {path} HTTP/1.1\r\nhost: m\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}"
    ).encode()
    began = time.perf_counter()
    for number in range(per_second * seconds):
        due = began + number / per_second
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        task = asyncio.create_task(pool.send(request, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return _summarize(pool.seen, time.perf_counter() - began)


def _summarize(seen: list[tuple[int, float]], took: float) -> dict[str, Any]:
    good = sorted(seconds for status, seconds in seen if status == 200)
    refusals = [seconds for status, seconds in seen if status == 503]
    at = good or [0.0]
    return {
        "requests": len(good), "per_second": len(good) / took,
        "p50_ms": at[len(at) // 2] * 1e3, "p99_ms": at[int(len(at) * 0.99)] * 1e3,
        "refused": len(refusals), "failed": len(seen) - len(good) - len(refusals),
        "slowest_refusal_ms": max(refusals, default=0.0) * 1e3,
    }  # fmt: skip


if __name__ == "__main__":
    import uvloop

    port, path, body, per_second, seconds = sys.argv[1:]
    print(
        json.dumps(
            uvloop.run(_send_by_the_clock(int(port), path, body, int(per_second), int(seconds)))
        )
    )
