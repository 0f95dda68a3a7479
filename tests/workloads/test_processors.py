"""How many threads a container should start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from soloist_workloads.processors import count_processors, openmp_environment

HERE = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("files", "processors"),
    [
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, HERE),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, HERE),
        ({}, HERE),
    ],
)
def test_the_quota_counts(files: dict[str, str], processors: int, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert count_processors(tmp_path) == processors


def test_what_somebody_said_stays(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("100000 100000")
    assert openmp_environment({}, tmp_path) == {
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    assert openmp_environment({"OMP_NUM_THREADS": "7", "OMP_WAIT_POLICY": "ACTIVE"}, tmp_path) == {}
