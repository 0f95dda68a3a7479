"""What the benchmark reads and writes; the measuring itself is `make bench`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.benchmarks.contestants import CONTESTANTS
from tests.benchmarks.load import parse_wrk
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
    "repeats": 5, "seconds": 30, "busy": "0.4",
}  # fmt: skip


def sample(server: str, cpu_us: float) -> dict[str, Any]:
    return {
        "server": server, "model": "logistic", "load": "c=64", "per_second": 1e6 / cpu_us,
        "cpu_us": cpu_us, "failed": 0, "memory_bytes": 1e8,
    }  # fmt: skip


def test_wrk_is_read_in_milliseconds_with_all_its_errors() -> None:
    load = parse_wrk(WRK)
    assert (load.requests, load.per_second, load.failed) == (9033, 4513.21, 7)
    assert (load.p50_ms, load.p99_ms) == (pytest.approx(9.37), pytest.approx(1200.0))


def test_ratios_are_of_the_median_to_the_first_server() -> None:
    samples = [sample("soloist v2", cpu) for cpu in (90, 100, 500)] + [sample("other", 400)]
    page = render_page(samples, ABOUT)
    assert "| soloist v2 | 10,000 | 100 | 1.0 |" in page
    assert "| other | 2,500 | 400 | 4.0 |" in page
    assert "Not a result yet" not in page


def test_a_run_on_a_busy_machine_says_that_it_is_no_result() -> None:
    page = render_page([sample("soloist v2", 100)], {**ABOUT, "busy": "9.1"})
    assert "Not a result yet" in page


def test_the_plot_has_a_bar_for_each_server() -> None:
    plot = render_plot([sample("soloist v2", 100), sample("a <b>", 400)])
    assert plot.count("<rect") == 3  # and the background
    assert "a &lt;b&gt;" in plot


def test_every_server_has_a_name_of_its_own() -> None:
    names = [one.name for one in CONTESTANTS]
    assert len(set(names)) == len(names)
