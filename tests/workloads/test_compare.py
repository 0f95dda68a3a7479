"""A candidate and a champion as real processes: copies are compared, in the background, and with nobody else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import mlflow.sklearn
import pytest
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from soloist.gateway.exposition import parse_lines
from tests.cluster.ports import free_port
from tests.workloads.server_process import start, wait_until_ready
from tests.workloads.test_drain import eventually

MARKED = {"x-soloist-shadow": "true"}
TABLE = Schema([ColSpec("double", "a")])


def save(folder: Path, slope: float) -> Path:
    """Answers `a` times the slope beyond 10, `a` below: the versions agree on small numbers."""

    class Line:
        def predict(self, table: Any) -> Any:
            values = table["a"].to_numpy()
            return values * (1 + (slope - 1) * (values > 10))

    mlflow.sklearn.save_model(
        Line(),
        folder,
        signature=ModelSignature(inputs=TABLE),
        serialization_format="cloudpickle",
        pip_requirements=[],
    )
    return folder


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Of the champion and of the candidate."""
    root = tmp_path_factory.mktemp("versions")
    models = {free_port(): save(root / "1", 1.0), free_port(): save(root / "2", 2.0)}
    running: list[subprocess.Popen[bytes]] = []
    try:
        for port, model in models.items():
            running.append(start(model, port, SOLOIST_PEERS="127.0.0.*:*"))
        for port in models:
            wait_until_ready(port)
        champion, candidate = models
        yield champion, candidate
    finally:
        for process in running:
            process.kill()
            process.wait()


def counts(port: int) -> dict[str, float]:
    page = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    found = {line.name.removeprefix("soloist_"): line.value for line in parse_lines(page)}
    wanted = ("compared_answers_total", "disagreeing_answers_total", "answer_distance_sum")
    return {name: found[name] for name in (*wanted, "invalid_answers_total")}


def ask(port: int, value: float | None, **headers: str) -> httpx.Response:
    split = {"columns": ["a"], "data": [[value]]}
    body = json.dumps({"dataframe_split": split})
    given = {"content-type": "application/json", **headers}
    return httpx.post(f"http://127.0.0.1:{port}/invocations", content=body, headers=given)


def grown(port: int, before: dict[str, float]) -> tuple[float, float, float]:
    now = counts(port)
    compared, disagreeing, distance, _ = (now[name] - before[name] for name in now)
    return compared, disagreeing, distance


@pytest.mark.timeout(120)
def test_copies_are_compared(ports: tuple[int, int]) -> None:
    champion, candidate = ports
    before = counts(candidate)
    marks = {**MARKED, "x-soloist-champion": f"127.0.0.1:{champion}"}
    assert ask(candidate, 5.0, **marks).json() == {"predictions": [5.0]}
    assert ask(candidate, 20.0, **marks).json() == {"predictions": [40.0]}
    tensor = {"name": "a", "shape": [2], "datatype": "FP64", "data": [1.0, 30.0]}
    url = f"http://127.0.0.1:{candidate}/v2/models/m/infer"
    assert httpx.post(url, json={"inputs": [tensor]}, headers=marks).status_code == 200
    eventually(lambda: grown(candidate, before)[0] == 3)
    assert grown(candidate, before) == (3, 2, 20 + 15)


@pytest.mark.timeout(120)
def test_a_repeated_request_is_no_answer_of_the_champions(ports: tuple[int, int]) -> None:
    """The gateway counted one request; two invalid answers to it would be twice the share."""
    champion, candidate = ports
    before, champions = counts(candidate), counts(champion)
    marks = {**MARKED, "x-soloist-champion": f"127.0.0.1:{champion}"}
    assert ask(candidate, None, **marks).status_code == 200
    eventually(lambda: grown(candidate, before)[0] == 1)
    assert counts(candidate)["invalid_answers_total"] == before["invalid_answers_total"] + 1
    assert counts(champion) == champions


@pytest.mark.timeout(120)
def test_nobody_else_is_asked_and_nothing_else_is_compared(ports: tuple[int, int]) -> None:
    champion, candidate = ports
    before = counts(candidate)
    peer = f"127.0.0.1:{champion}"
    silent = f"127.0.0.1:{free_port()}"
    for headers in (
        {"x-soloist-champion": peer},
        MARKED,
        {**MARKED, "x-soloist-champion": f"localhost:{champion}"},
        {**MARKED, "x-soloist-champion": silent},
    ):
        assert ask(candidate, 20.0, **headers).status_code == 200
    # One that is compared, last: what came before it would have been by now.
    ask(candidate, 5.0, **MARKED, **{"x-soloist-champion": peer})
    eventually(lambda: grown(candidate, before)[0] == 1)
    assert grown(candidate, before) == (1, 0, 0)
