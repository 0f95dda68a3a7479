"""Small predictions go past ASGI, and nobody can tell: not from the answer, nor when connections are reused or end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from soloist_workloads.serving import protocol, server
from soloist_workloads.serving.answerer import MOST_BYTES_AT_ONCE
from soloist_workloads.serving.app import App
from soloist_workloads.serving.lane import Lane
from soloist_workloads.serving.matrix import compile_matrix_plan
from soloist_workloads.serving.pace import FIRST_TRIAL
from soloist_workloads.serving.protocol import MOST_SHORT_BYTES
from soloist_workloads.serving.rest import Rest
from soloist_workloads.serving.scorer import MatrixModel, NativeScorer, Reply
from soloist_workloads.serving.server import TAKEN_AT_A_LOOK, build_server, listen
from soloist_workloads.serving.signature import Column, Columns, Kind, Nothing
from soloist_workloads.serving.state import Phase, State

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(120)]

MakeApp = Callable[..., App]
Answer = tuple[int, dict[str, str], bytes]
GOOD = json.dumps({"inputs": {"a": [1.0], "b": [2.0]}}).encode()
TENSORS = [{"name": name, "shape": [1], "datatype": "FP64", "data": [2.5]} for name in "ab"]
IDLE_SECONDS = 0.3
V1, V2 = "/invocations", "/v2/models/m/infer"
BODIES = {
    "v1": (V1, GOOD, "application/json"),
    "v2": (V2, json.dumps({"id": "7", "inputs": TENSORS}).encode(), "application/json"),
    "v2 of a version": (
        "/v2/models/m/versions/3/infer", json.dumps({"inputs": TENSORS}).encode(), "application/json",
    ),
    "no JSON": (V1, b"{", "application/json"),
    "no JSON in v2": (V2, b"{", "application/json"),
    "a column is missing": (V1, b'{"inputs": {"a": [1.0]}}', "application/json"),
    "csv": (V1, b"a,b\n1.0,2.0\n", "text/csv"),
    "another medium": (V1, b"<a/>", "text/xml"),
    "empty": (V1, b"", "application/json"),
    "large": (V1, b'{"inputs": {"a": [1.0], "b": [2.0]}}' + b" " * MOST_SHORT_BYTES, "application/json"),
}  # fmt: skip


@contextlib.asynccontextmanager
async def served(app: App) -> AsyncIterator[int]:
    serving = build_server(app, state=app._state, drain_seconds=0)
    door = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(serving.serve(sockets=[door]))
    try:
        yield door.getsockname()[1]
    finally:
        serving.should_exit = True
        await task


class Client:
    """One connection, byte for byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    async def read(self) -> Answer:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = head.strip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        assert headers.pop("date")  # the one that differs from second to second
        body = await self._reader.readexactly(int(headers["content-length"]))
        return int(status.split()[1]), headers, body

    async def ask(self, path: str, body: bytes = GOOD, media: str = "application/json") -> Answer:
        self.writer.write(request(path, body, media))
        return await self.read()

    async def has_ended(self) -> bool:
        return await self._reader.read() == b""


def request(path: str, body: bytes = GOOD, media: str = "application/json", *more: str) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "host: m", f"content-type: {media}", *more)
    return "\r\n".join((*lines, f"content-length: {len(body)}", "", "")).encode() + body


async def connect(port: int) -> Client:
    return Client(*await asyncio.open_connection("127.0.0.1", port))


class Held:
    """A model that answers with what it was asked, when it may."""

    flavor, inputs, outputs, matrix = "held", None, None, None

    def __init__(self) -> None:
        self.began, self.go_on = threading.Event(), threading.Event()

    def invoke(self, body: bytes, content_type: str) -> Any:
        self.began.set()
        self.go_on.wait()
        if body == b"fail":
            raise OSError("nobody foresaw this")
        return Reply(body)


@pytest.mark.parametrize("case", BODIES)
async def test_the_answer_is_that_of_the_long_way(case: str, make_app: MakeApp) -> None:
    path, body, media = BODIES[case]
    async with served(make_app()) as port:
        client, other = await connect(port), await connect(port)
        for _ in range(2):  # on a used connection too
            short = await client.ask(path, body, media)
            long = await other.ask(path + "?", body, media)  # a query, though empty, is unusual
            assert short == long


@pytest.mark.parametrize("case", BODIES)
@pytest.mark.parametrize("query", ["", "?"], ids=["the short way", "the long way"])
async def test_a_request_leaves_nothing_to_look_for(
    case: str, query: str, make_app: MakeApp
) -> None:
    """A circle of objects, as an exception and its traceback make, would hold the body until Python's collector comes."""
    path, body, media = BODIES[case]
    async with served(make_app()) as port:
        client = await connect(port)
        await client.ask(path + query, body, media)
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                await client.ask(path + query, body, media)
            assert gc.collect() < 10
        finally:
            gc.enable()


async def test_a_quick_model_is_asked_on_the_event_loop_once_it_has_shown_that_it_is() -> None:
    threads: list[str] = []

    def double(rows: Any) -> Any:
        threads.append(threading.current_thread().name)
        return rows[:, 0] * 2

    columns = Columns((Column("a", Kind.DOUBLE),), named=True)
    plan = compile_matrix_plan(columns, np.dtype("float64"))
    matrix = MatrixModel(plan, double, rows_are_apart=False, see=lambda _: None)
    state = State()
    state.become_ready(
        NativeScorer("double", lambda t: double(t.to_numpy()), columns, Nothing(), matrix=matrix)
    )
    app = App(name="m", version="3", state=state, lane=Lane(threads=1))
    body = b'{"inputs": {"a": [1.5]}}'
    async with served(app) as port:
        client = await connect(port)
        answers = {(await client.ask(V1, body))[2] for _ in range(FIRST_TRIAL + 10)}
        assert answers == {b'{"predictions":[3.0]}'}
        assert threads == ["predict-1"] * FIRST_TRIAL + ["MainThread"] * 10
        threads.clear()
        # What isn't plainly numbers, or is large, may take any time.
        assert (await client.ask(V1, b"a\n1.5\n", "text/csv"))[2] == b'{"predictions":[3.0]}'
        assert (await client.ask(V1, body + b" " * MOST_BYTES_AT_ONCE))[0] == 200
        assert (await client.ask(V1, b"{"))[0] == 400
        assert threads == ["predict-1"] * 2
        # Where those are refused because too many wait, the small ones aren't yet.
        while not app._lane.is_full():
            app._lane.enter()
        assert (await client.ask(V1, body + b" " * MOST_BYTES_AT_ONCE))[0] == 503
        assert (await client.ask(V1, body))[0] == 200
    assert threads[2:] == ["MainThread"]


async def test_a_request_may_come_in_pieces(make_app: MakeApp) -> None:
    async with served(make_app()) as port:
        client = await connect(port)
        whole = await client.ask(V1)
        for byte in request(V1):
            client.writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert await client.read() == whole


async def test_requests_sent_ahead_are_answered_in_their_order(make_app: MakeApp) -> None:
    model, app = Held(), make_app(None)
    app._state.become_ready(model)  # type: ignore[arg-type] # only what the app calls
    async with served(app) as port:
        client = await connect(port)
        client.writer.write(b"".join(request(V1, b"%d" % n) for n in range(5)))
        await asyncio.to_thread(model.began.wait)
        model.go_on.set()
        assert [(await client.read())[2] for _ in range(5)] == [b"%d" % n for n in range(5)]


async def test_a_full_lane_refuses_on_both_ways_alike(make_app: MakeApp) -> None:
    model, app = Held(), make_app(None, most_in_flight=1)
    app._state.become_ready(model)  # type: ignore[arg-type] # only what the app calls
    async with served(app) as port:
        client, other = await connect(port), await connect(port)
        client.writer.write(request(V1, b"first"))
        await asyncio.to_thread(model.began.wait)
        for path in (V1, V2):
            status, headers, body = await other.ask(path)
            assert (status, headers["retry-after"]) == (503, "1")
            assert b"busy" in body
            assert (status, headers, body) == await other.ask(path + "?")
        model.go_on.set()
        assert (await client.read())[2] == b"first"
        assert (await other.ask(V1, b"next"))[2] == b"next"
    assert app._lane.in_flight == 0
    text = app.metrics.render().decode()
    assert 'soloist_serving_requests_total{code="503",protocol="v1"} 2.0' in text


async def test_who_was_refused_is_not_read_again_before_all_others(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or clients that ask again at once would keep the event loop from anything else."""
    monkeypatch.setattr(protocol, "CONNECTIONS_AT_A_LOOK", 2)
    model, app = Held(), make_app(None, most_in_flight=1)
    app._state.become_ready(model)  # type: ignore[arg-type] # only what the app calls
    seen = list[bool]()
    rest = app.short.rest

    class Seen(Rest):
        def take(self, flow: FlowControl) -> None:
            rest.take(flow)
            seen.append(flow.read_paused)
            asyncio.get_running_loop().call_soon(lambda: seen.append(flow.read_paused))

    app.short.rest = Seen()
    async with served(app) as port:
        client, other = await connect(port), await connect(port)
        client.writer.write(request(V1, b"first"))
        await asyncio.to_thread(model.began.wait)
        assert (await other.ask(V1))[0] == 503
        assert seen == [True, False]
        assert (await other.ask(V1))[0] == 503, "it is read again"
        monkeypatch.setattr(protocol, "CONNECTIONS_AT_A_LOOK", 3)
        assert (await other.ask(V1))[0] == 503
        assert seen == [True, False] * 2, "with few connections there is no need"
        model.go_on.set()
        await client.read()


async def test_a_client_that_goes_away_leaves_no_place_taken(make_app: MakeApp) -> None:
    model, app = Held(), make_app(None, most_in_flight=1)
    app._state.become_ready(model)  # type: ignore[arg-type] # only what the app calls
    async with served(app) as port:
        halfway, gone = await connect(port), await connect(port)
        halfway.writer.write(request(V1)[:-1])
        halfway.writer.close()
        gone.writer.write(request(V1))
        await asyncio.to_thread(model.began.wait)
        gone.writer.close()
        await gone.writer.wait_closed()
        model.go_on.set()
        client = await connect(port)
        statuses = [503]
        while statuses[-1] == 503:
            statuses.append((await client.ask(V1, b"next"))[0])
        assert statuses[-1] == 200
    assert app._lane.in_flight == 0


async def test_what_nobody_foresaw_is_a_failed_request_on_both_ways(make_app: MakeApp) -> None:
    model, app = Held(), make_app(None)
    model.go_on.set()
    app._state.become_ready(model)  # type: ignore[arg-type] # only what the app calls
    async with served(app) as port:
        answers = []
        for path in (V1, V1 + "?"):
            client = await connect(port)
            status, headers, body = await client.ask(path, b"fail")
            answers.append((status, headers["content-type"], headers["connection"], body))
            assert await client.has_ended()
    assert answers[0] == answers[1]
    assert answers[0][0] == 500


async def test_while_draining_each_answer_ends_its_connection(make_app: MakeApp) -> None:
    app = make_app()
    async with served(app) as port:
        client = await connect(port)
        assert "connection" not in (await client.ask(V1))[1]
        app._state.phase = Phase.DRAINING
        assert (await client.ask(V1))[1]["connection"] == "close"
        assert await client.has_ended()


@pytest.mark.parametrize("path", [V1, V1 + "?"], ids=["the short way", "the long way"])
async def test_a_connection_ends_once_nobody_has_asked_for_long(
    path: str, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", IDLE_SECONDS)
    async with served(make_app()) as port:
        client, clock = await connect(port), asyncio.get_running_loop().time
        for _ in range(6):  # longer, all in all, than it may be idle
            await asyncio.sleep(IDLE_SECONDS / 4)
            assert (await client.ask(path))[0] == 200
        began = clock()
        assert await client.has_ended()
        assert IDLE_SECONDS - 0.05 < clock() - began < 3 * IDLE_SECONDS


@pytest.mark.parametrize("path", [V1, V1 + "?"], ids=["the short way", "the long way"])
async def test_a_connection_is_not_idle_while_a_request_comes_or_is_answered(
    path: str, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", IDLE_SECONDS)
    model, app = Held(), make_app(None)
    model.go_on.set()
    app._state.become_ready(model)  # type: ignore[arg-type] # only what the app calls
    async with served(app) as port:
        client = await connect(port)
        assert (await client.ask(path, b"first"))[2] == b"first"
        model.go_on.clear()
        whole = request(path, b"slow")
        client.writer.write(whole[:-1])
        await asyncio.sleep(2 * IDLE_SECONDS)
        client.writer.write(whole[-1:])
        await asyncio.sleep(2 * IDLE_SECONDS)
        model.go_on.set()
        assert (await client.read())[2] == b"slow"
        assert await client.has_ended(), "and is again once it is answered"


async def test_a_server_that_ends_answers_what_it_has_begun(make_app: MakeApp) -> None:
    model, app = Held(), make_app(None)
    app._state.become_ready(model)  # type: ignore[arg-type] # only what the app calls
    async with served(app) as port:
        client = await connect(port)
        client.writer.write(request(V1, b"last"))
        await asyncio.to_thread(model.began.wait)
        asyncio.get_running_loop().call_later(0.3, model.go_on.set)
    status, headers, body = await client.read()
    assert (status, headers["connection"], body) == (200, "close", b"last")


async def test_one_door_by_several_handles_is_one_port_and_shuts_with_the_server() -> None:
    app = App(name="m", version="3", state=State(), lane=Lane(threads=1))
    doors = listen(0)
    (port,) = {door.getsockname()[1] for door in doors}
    assert len(doors) == TAKEN_AT_A_LOOK
    serving = build_server(app, state=app._state, drain_seconds=0)
    task = asyncio.create_task(serving.serve(sockets=doors))
    clients = [await connect(port) for _ in range(3 * TAKEN_AT_A_LOOK)]
    answers = [await client.ask(V1) for client in clients]
    assert {status for status, _, _ in answers} == {503}, "there is no model"
    serving.should_exit = True
    await task
    with pytest.raises(OSError):  # noqa: PT011 - any way of not being let in
        await connect(port)
