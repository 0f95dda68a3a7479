"""`python -m tests.benchmarks.parts`: where the time of one request goes inside the server, without sockets.

One row of iris by the Open Inference Protocol. The whole is measured through the server's own protocol class, with a transport that
only takes what is written; its parts by themselves; HTTP, admission, queue and metrics are what is left. The best of many
rounds: what disturbs a round only ever makes it longer.
"""

from __future__ import annotations

import asyncio
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.__main__ import PLACE, ROW, prepare
from tests.benchmarks.contestants import V2_PATH, v2_body

ROUNDS, REQUESTS = 80, 400
BODY = json.dumps(v2_body(ROW)).encode()
REQUEST = (
    f"POST {V2_PATH} HTTP/1.1\r\nhost: m\r\ncontent-type: application/json\r\n"
    f"content-length: {len(BODY)}\r\n\r\n"
).encode() + BODY


class Transport(asyncio.Transport):
    """Takes what is written, and counts it."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = 0

    def write(self, data: Any) -> None:
        assert bytes(data[:12]) in (b"HTTP/1.1 200", b"HTTP/1.1 503"), data
        self.answers += 1

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass


def best_us(once: Callable[[], object]) -> float:
    """Microseconds of this process, the best of all rounds."""
    return min(_round(once) for _ in range(ROUNDS))


def _round(once: Callable[[], object]) -> float:
    started = time.process_time()
    for _ in range(REQUESTS):
        once()
    return (time.process_time() - started) / REQUESTS * 1e6


async def measure(folder: Path) -> dict[str, float]:
    """Microseconds by part."""
    from soloist_workloads.serving.answerer import Answerer, Question, _read
    from soloist_workloads.serving.app import App
    from soloist_workloads.serving.lane import Lane
    from soloist_workloads.serving.loading import load_scorer
    from soloist_workloads.serving.server import build_server
    from soloist_workloads.serving.signature import read_card
    from soloist_workloads.serving.state import State
    from soloist_workloads.serving.validity import Watch

    card = read_card(folder)
    watch = Watch(card.outputs)
    watch.tell = lambda: None
    scorer, state, lane = load_scorer(card, watch), State(), Lane(threads=1)
    state.become_ready(scorer)
    app = App(name="m", version="1", state=state, lane=lane)
    matrix, question = scorer.matrix, Question("v2", BODY, "application/json")
    assert matrix is not None
    read = _read(matrix, 0, question)
    assert read is not None
    predictions = matrix.predict(read.rows)
    answerer = Answerer(scorer, app.metrics, model="m", version="1")
    found = {
        "reading the JSON into a matrix": best_us(lambda: _read(matrix, 0, question)),
        "the model's own `predict`": best_us(lambda: matrix.predict(read.rows)),
        "looking for invalid answers": best_us(lambda: matrix.see(predictions)),
        "writing the JSON": best_us(lambda: answerer._encode(question, read, predictions)),
    }
    server = build_server(app, state=state, drain_seconds=0)
    server.config.load()
    found["all of a request"] = min([await _whole(server) for _ in range(ROUNDS)])
    while not lane.is_full(quick=True):
        lane.enter(quick=True)
    found["a refusal instead"] = min([await _whole(server) for _ in range(ROUNDS)])
    return found


async def _whole(server: Any) -> float:
    """A round of requests, each sent when the one before is answered."""
    make = server.config.http_protocol_class
    protocol = make(config=server.config, server_state=server.server_state, app_state={})
    transport = Transport()
    protocol.connection_made(transport)
    started = time.process_time()
    for number in range(1, REQUESTS + 1):
        protocol.data_received(REQUEST)
        while transport.answers < number:  # noqa: ASYNC110 - an event for each would be measured too
            await asyncio.sleep(0)
    spent = time.process_time() - started
    protocol.connection_lost(None)
    return spent / REQUESTS * 1e6


def main() -> None:
    import uvloop

    warnings.simplefilter("ignore")
    prepare("")
    models = {"logistic regression": "logistic", "ONNX": "onnx"}
    found = [
        uvloop.run(measure(PLACE / "own" / "models" / one / "mlflow")) for one in models.values()
    ]
    print(f"| part | {' | '.join(models)} |\n| --- | {' | '.join('--:' for _ in models)} |")
    for part in found[0]:
        if part == "all of a request":
            rest = [one[part] - sum(list(one.values())[:4]) for one in found]
            _print_row("HTTP parsing, admission, queue, metrics, response", rest)
        _print_row(part, [one[part] for one in found])


def _print_row(part: str, figures: list[float]) -> None:
    print(f"| {part} | {' | '.join(f'{figure:.0f}' for figure in figures)} |")


if __name__ == "__main__":
    main()
