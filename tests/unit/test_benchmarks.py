"""What the benchmark reads and writes; the measuring itself is `make bench`."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any

import pytest

from tests.benchmarks.contestants import CONTESTANTS
from tests.benchmarks.load import Load, Seen, parse_wrk, send_by_the_clock, summarize
from tests.benchmarks.processes import busy_cores
from tests.benchmarks.report import render_page, render_plot

WRK = """Running 2s test @ http://127.0.0.1:8080/invocations
  1 threads and 64 connections
  Latency Distribution
     50%    9.37ms
     99%    1.20s
  9033 requests in 2.00s, 2.31MB read
  Socket errors: connect 0, read 1, write 0, timeout 2
  Non-2xx or 3xx responses: 4
Requests/sec:   4513.21
"""
ABOUT: dict[str, Any] = {
    "command": "make bench", "day": "2026-11-23", "cores": 2, "python": "3.11.7",
    "repeats": 5, "seconds": 30, "busy": 0.1,
}  # fmt: skip


def sample(server: str, cpu_us: float) -> dict[str, Any]:
    return {
        "server": server, "model": "logistic", "load": "c=64", "per_second": 1e6 / cpu_us,
        "cpu_us": cpu_us, "failed": 0, "memory_bytes": 1e8,
    }  # fmt: skip


def test_wrk_is_read_in_milliseconds_with_all_its_errors() -> None:
    load = parse_wrk(WRK)
    assert (load.requests, load.per_second) == (9033, 4513.21)
    assert (load.refused, load.failed) == (4, 3)
    assert (load.p50_ms, load.p99_ms) == (pytest.approx(9.37), pytest.approx(1200.0))


def test_an_open_load_is_summed_up_by_what_was_due_and_what_was_sent() -> None:
    seen = [Seen(200, 0.5, 0.1)] * 8 + [Seen(503, 0.9, 0.002), Seen(503, 0.9, 0.03)]
    found = Load(**summarize(seen, took=2.0, count=12, latest_send=0.25))
    assert (found.requests, found.per_second, found.refused, found.failed) == (8, 4.0, 2, 2)
    assert (found.p50_ms, found.slowest_refusal_ms, found.latest_send_ms) == (500.0, 30.0, 250.0)


def test_the_clock_goes_on_while_a_server_refuses_and_hangs_up() -> None:
    """Ten requests: some answered on a kept connection, some refused, one left without an answer."""
    found = asyncio.run(_load_a_server_of_moods())
    assert (found["requests"], found["refused"], found["failed"]) == (7, 2, 1)


async def _load_a_server_of_moods() -> dict[str, Any]:
    moods = iter([b"200"] * 4 + [b"503", b"", b"503"] + [b"200"] * 3)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"{}"):
                mood = next(moods)
                if not mood:
                    break
                writer.write(b"HTTP/1.1 %s X\r\ncontent-length: 2\r\n\r\nok" % mood)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await send_by_the_clock(port, "/", "{}", 10, 1)


def test_ratios_are_of_the_median_to_the_first_server() -> None:
    samples = [sample("soloist v2", cpu) for cpu in (90, 100, 500)] + [sample("other", 400)]
    page = render_page(samples, ABOUT)
    assert "| soloist v2 | 10,000 | 100 | 1.0 |" in page
    assert "| other | 2,500 | 400 | 4.0 |" in page
    assert "Not a result yet" not in page


def test_a_run_on_a_busy_machine_says_that_it_is_no_result() -> None:
    page = render_page([sample("soloist v2", 100)], {**ABOUT, "busy": 0.9})
    assert "{" not in page
    assert "Not a result yet" in page


def test_the_plot_has_a_bar_for_each_server() -> None:
    plot = render_plot([sample("soloist v2", 100), sample("a <b>", 400)])
    assert plot.count("<rect") == 3  # and the background
    assert "a &lt;b&gt;" in plot


def test_every_server_has_a_name_of_its_own() -> None:
    names = [one.name for one in CONTESTANTS]
    assert len(set(names)) == len(names)


def test_how_busy_the_machine_is_is_told_in_cores() -> None:
    assert 0 <= busy_cores(0.05) <= (os.cpu_count() or 1) + 0.5
