"""Paths, health, limits, headers and metrics."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from soloist_workloads.serving.app import App
from soloist_workloads.serving.metrics import Metrics
from soloist_workloads.serving.scorer import NativeScorer
from soloist_workloads.serving.signature import Nothing
from soloist_workloads.serving.state import Phase
from soloist_workloads.serving.wire import MOST_BODY_BYTES

pytestmark = pytest.mark.asyncio

MakeApp = Callable[..., App]
Connect = Callable[[App], httpx.AsyncClient]
GOOD = {"inputs": {"a": [1.0], "b": [2.0]}}


@pytest.mark.parametrize(
    ("path", "loading", "ready", "draining"),
    [
        ("/v2/health/live", 200, 200, 200),
        ("/v2/health/ready", 503, 200, 503),
        ("/v2/models/m/ready", 503, 200, 503),
        ("/v2/models/m/versions/3/ready", 503, 200, 503),
        ("/ping", 503, 200, 200),
        ("/health", 503, 200, 200),
        ("/version", 200, 200, 200),
        ("/metrics", 200, 200, 200),
        ("/v2", 200, 200, 200),
        ("/v2/models/m", 503, 200, 200),
        ("/v2/models/other", 404, 404, 404),
        ("/v2/models/m/versions/4", 404, 404, 404),
        ("/nowhere", 404, 404, 404),
    ],
)
async def test_each_page_in_each_phase(
    path: str, loading: int, ready: int, draining: int, make_app: MakeApp, connect: Connect
) -> None:
    for phase, status in (
        (Phase.LOADING, loading),
        (Phase.READY, ready),
        (Phase.DRAINING, draining),
    ):
        app = make_app(None if phase is Phase.LOADING else "doubles")
        app._state.phase = phase
        async with connect(app) as client:
            response = await client.get(path)
        assert response.status_code == status, phase
        assert response.headers["x-model-name"] == "m"
        assert response.headers["x-model-version"] == "3"
        assert response.headers.get("connection") == ("close" if phase is Phase.DRAINING else None)


async def test_requests_are_answered_while_draining(make_app: MakeApp, connect: Connect) -> None:
    app = make_app()
    app._state.phase = Phase.DRAINING
    async with connect(app) as client:
        response = await client.post("/invocations", json=GOOD)
    assert response.status_code == 200
    assert response.headers["connection"] == "close"


async def test_a_refusal_has_mlflows_shape(make_app: MakeApp, connect: Connect) -> None:
    async with connect(make_app()) as client:
        response = await client.post("/invocations", json={"inputs": {"a": ["x"], "b": [2.0]}})
    assert response.status_code == 400
    assert response.json() == {
        "error_code": "BAD_REQUEST",
        "message": 'Column a must be double, but row 0 has "x" (string). Send numbers, or null where a value '
        "is missing.",
    }


async def test_an_answer_tells_when_it_was_the_model_that_failed(
    make_app: MakeApp, connect: Connect
) -> None:
    app = make_app(None)
    app._state.become_ready(NativeScorer("broken", lambda _: 1 / 0, Nothing(), Nothing()))
    infer = {"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1.0]}]}
    async with connect(app) as client:
        failed = [
            await client.post("/invocations", json={"inputs": [[1.0]]}),
            await client.post("/v2/models/m/infer", json=infer),
        ]
        refused = [
            await client.post("/invocations", content=b"{"),
            await client.post("/v2/models/m/infer", json={"inputs": []}),
        ]
    assert [answer.status_code for answer in (*failed, *refused)] == [400] * 4
    told = [answer.headers.get("x-soloist-model-failed") for answer in (*failed, *refused)]
    assert told == ["true", "true", None, None]


async def test_get_where_post_is_meant_says_so(make_app: MakeApp, connect: Connect) -> None:
    async with connect(make_app()) as client:
        assert (await client.get("/invocations")).status_code == 405
        assert (await client.post("/v2/health/live")).status_code == 405


async def test_a_body_beyond_the_limit_is_refused(make_app: MakeApp, connect: Connect) -> None:
    async with connect(make_app()) as client:
        response = await client.post("/invocations", content=b"x" * (MOST_BODY_BYTES + 1))
    assert response.status_code == 413
    assert "16 MiB" in response.json()["message"]


class Slow:
    """A scorer that takes its time."""

    flavor = "slow"
    inputs = outputs = matrix = None

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.began = threading.Event()

    def invoke(self, body: bytes, content_type: str) -> Any:
        from soloist_workloads.serving.scorer import Reply

        self.began.set()
        time.sleep(self._seconds)
        return Reply(b"{}")


async def test_health_is_answered_while_the_model_works(
    make_app: MakeApp, connect: Connect
) -> None:
    app = make_app(None)
    app._state.become_ready(Slow(0.5))  # type: ignore[arg-type] # only what the app calls
    async with connect(app) as client:
        slow = asyncio.create_task(client.post("/invocations", content=b"{}"))
        await asyncio.sleep(0.05)
        started = time.perf_counter()
        assert (await client.get("/v2/health/live")).status_code == 200
        assert time.perf_counter() - started < 0.3
        assert not slow.done()
        assert (await slow).status_code == 200


async def test_beyond_the_queue_requests_are_refused_at_once(
    make_app: MakeApp, connect: Connect
) -> None:
    app = make_app(None, most_in_flight=2)
    app._state.become_ready(Slow(0.2))  # type: ignore[arg-type] # only what the app calls
    async with connect(app) as client:
        answers = await asyncio.gather(
            *(client.post("/invocations", content=b"{}") for _ in range(5))
        )
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503]
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.headers["retry-after"] == "1"
    assert app._lane.in_flight == 0


async def test_metrics_count_by_protocol_and_code(make_app: MakeApp, connect: Connect) -> None:
    async with connect(make_app()) as client:
        await client.post("/invocations", json=GOOD)
        await client.post("/invocations", content=b"{")
        await client.post("/v2/models/m/infer", json={})
        text = (await client.get("/metrics")).text
    assert 'soloist_serving_requests_total{code="200",protocol="v1"} 1.0' in text
    assert 'soloist_serving_requests_total{code="400",protocol="v1"} 1.0' in text
    assert 'soloist_serving_requests_total{code="400",protocol="v2"} 1.0' in text
    assert 'soloist_serving_prediction_duration_seconds_count{protocol="v1"} 2.0' in text
    assert "soloist_serving_in_flight_requests 0.0" in text
    assert "soloist_serving_model_info{" not in text.replace(
        "# ", ""
    )  # told by the start, not here


async def test_a_refusal_is_quick_however_slow_the_model_is(
    make_app: MakeApp, connect: Connect
) -> None:
    app, model = make_app(None, most_in_flight=1), Slow(1.0)
    app._state.become_ready(model)  # type: ignore[arg-type] # only what the app calls
    async with connect(app) as client:
        slow = asyncio.create_task(client.post("/invocations", content=b"{}"))
        await asyncio.to_thread(model.began.wait)
        started = time.perf_counter()
        refused = await client.post("/invocations", content=b"{}")
        assert time.perf_counter() - started < 0.5
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert not slow.done()
        assert (await slow).status_code == 200


async def test_what_was_answered_together_is_counted(make_app: MakeApp, connect: Connect) -> None:
    async with connect(make_app()) as client:
        await client.post("/invocations", json=GOOD)
        text = (await client.get("/metrics")).text
    assert "soloist_serving_requests_per_prediction_count 1.0" in text


@pytest.mark.parametrize(("together", "predictions"), [(True, 1), (False, 3)])
def test_requests_in_turn_are_predictions_of_their_own(together: bool, predictions: int) -> None:
    metrics = Metrics(model="m", version="3")
    metrics.tell_predictions(["v1", "v2", "v2"], 0.25, together=together)
    text = metrics.render().decode()
    assert f"soloist_serving_requests_per_prediction_count {predictions}.0" in text
    assert "soloist_serving_requests_per_prediction_sum 3.0" in text
    seconds = "soloist_serving_prediction_duration_seconds_sum"
    assert f'{seconds}{{protocol="v1"}} 0.25' in text
    assert f'{seconds}{{protocol="v2"}} 0.5' in text
