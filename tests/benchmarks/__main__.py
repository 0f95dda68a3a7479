"""`make bench`: prepares every server, compares their answers, measures in turns, writes the results."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from sklearn.datasets import load_iris

from tests.benchmarks.contestants import CONTESTANTS, Contestant
from tests.benchmarks.load import run_closed, run_open
from tests.benchmarks.overload import run_overload
from tests.benchmarks.processes import LOAD_CPU, Running, ask, busy_cores, started
from tests.benchmarks.report import write_report

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PLACE = ROOT / ".benchmarks"
OWN = ROOT / ".venv" / "bin"
ROW = (5.1, 3.5, 1.4, 0.2)
COMPARED = 10
# By connections: a server that isn't pressed shows what it can do in half the time.
CLOSED = {1: 2, 64: 1}
OPEN_PER_SECOND = 1000
MODELS = ("logistic", "forest", "onnx")


def main() -> int:
    asked = _parse_arguments()
    os.sched_setaffinity(0, {int(LOAD_CPU)})  # what it does itself must not disturb a server
    if shutil.which("wrk") is None:
        subprocess.run(["apt-get", "install", "-y", "wrk"], check=True, stdout=subprocess.DEVNULL)
    for peer in sorted({one.peer for one in CONTESTANTS if _is_wanted(one, asked)}):
        prepare(peer)
    samples: list[dict[str, Any]] = []
    about = _about(asked)  # before the first server, so that it tells what else the machine does
    for repeat in range(
        asked.repeats
    ):  # servers take turns, so that a slow minute hits all of them
        about["repeats"] = repeat + 1  # begun, should it be broken off
        for model in MODELS:
            for one in CONTESTANTS:
                if model not in one.models or not _is_wanted(one, asked):
                    continue
                samples += [dict(sample, repeat=repeat) for sample in _try(one, model, asked)]
                # After each, so that a run that was broken off leaves what it had.
                write_report(samples, about=about, folder=ROOT / "docs" / "benchmarks")
    return 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--only", default="", help="part of a server's name")
    return parser.parse_args()


def _is_wanted(one: Contestant, asked: argparse.Namespace) -> bool:
    return asked.only in one.name


def prepare(peer: str) -> None:
    """The peer's environment from its pinned packages, and the models as its own versions write them."""
    folder = PLACE / (peer or "own")
    binaries = _binaries(peer)
    if peer and not (folder / "complete").exists():
        packages = tomllib.loads((HERE / "peers.toml").read_text())[peer]["packages"]
        installer = str(OWN / "uv")
        subprocess.run(
            [installer, "venv", "--quiet", "--clear", "--python", "3.11", str(folder / "venv")],
            check=True,
        )
        subprocess.run(
            [
                installer,
                "pip",
                "install",
                "--quiet",
                "--python",
                str(binaries / "python"),
                *packages,
            ],
            check=True,
        )
        (folder / "complete").touch()
    flavors = {"": ("mlflow", "onnx"), "mlflow": ("mlflow",), "mlserver": ("mlflow",)}.get(peer, ())
    subprocess.run(
        [str(binaries / "python"), str(HERE / "models.py"), str(folder / "models"), *flavors],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _binaries(peer: str) -> Path:
    return PLACE / peer / "venv" / "bin" if peer else OWN


def _try(one: Contestant, model: str, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """A server that can't be measured is told, and left out."""
    try:
        return list(measure(one, model, seconds=asked.seconds))
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"{one.name}, {model}: not measured: {error}", file=sys.stderr)
        return [
            {
                "server": one.name,
                "model": model,
                "load": "none",
                "problem": str(error).splitlines()[0],
            }
        ]


def measure(one: Contestant, model: str, *, seconds: int) -> Iterator[dict[str, Any]]:
    folder = PLACE / (one.peer or "own")
    with started(one, folder / "models" / model, _binaries(one.peer), folder / "work") as running:
        _require_equal_answers(one, model, running)
        start = running.seconds_to_first_answer
        for _ in (1, 2):  # the first round warms up
            run_closed(running.port, one.path, one.body(ROW), connections=1, seconds=1)
        best = 0.0
        for connections, share in CLOSED.items():
            sample = _measure_closed(one, running, connections, seconds // share)
            best = max(best, sample["per_second"])
            print(
                f"{one.name}, {model}, {sample['load']}: {sample['per_second']:.0f}/s, {sample['cpu_us']:.0f} us"
            )
            yield {"server": one.name, "model": model, "start_s": start, **sample}
        loads = {
            "open 1,000/s": partial(run_open, per_second=OPEN_PER_SECOND, seconds=seconds // 2),
            "open at twice its best": partial(
                run_overload, per_second=int(2 * best), seconds=seconds
            ),
        }
        for name, run in loads.items():
            load = run(running.port, one.path, one.body(ROW))
            sample = {
                **asdict(load),
                "share_of_best": load.per_second / best,
                "memory_bytes": running.memory_bytes(),
            }
            yield {"server": one.name, "model": model, "load": name, **sample}


def _measure_closed(
    one: Contestant, running: Running, connections: int, seconds: int
) -> dict[str, Any]:
    before = running.cpu_seconds()
    load = run_closed(
        running.port, one.path, one.body(ROW), connections=connections, seconds=seconds
    )
    spent = running.cpu_seconds() - before
    cpu_us = spent / max(load.requests, 1) * 1e6
    return {
        "load": f"c={connections}",
        **asdict(load),
        "cpu_us": cpu_us,
        "memory_bytes": running.memory_bytes(),
    }


def _require_equal_answers(one: Contestant, model: str, running: Running) -> None:
    """Figures of servers that answer differently can't be compared."""
    from tests.benchmarks.models import train

    rows = load_iris().data[:: 150 // COMPARED].tolist()
    given: Sequence[int] = [label for row in rows for label in ask(one, running.port, tuple(row))]
    wanted = train("logistic" if model == "onnx" else model).predict(rows).tolist()
    if list(given) != wanted:
        raise RuntimeError(f"it answers {given} instead of {wanted}")


def _about(asked: argparse.Namespace) -> dict[str, Any]:
    return {
        "command": f"make bench REPEATS={asked.repeats} DURATION={asked.seconds}",
        "day": date.today().isoformat(),  # noqa: DTZ011 - the day of whoever runs it
        "cores": os.cpu_count(), "python": platform.python_version(),
        "repeats": 0, "seconds": asked.seconds,
        "busy": busy_cores(),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
