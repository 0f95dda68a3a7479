"""Requests are kept where that was asked for, leave the pod by one way only, and each once in a round."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from soloist_workloads.environment import parse_serving
from soloist_workloads.serving import recent
from soloist_workloads.serving.app import App
from soloist_workloads.serving.lane import Lane
from soloist_workloads.serving.loading import load_scorer
from soloist_workloads.serving.recent import MOST_BODY_BYTES, Recent
from soloist_workloads.serving.signature import read_card
from soloist_workloads.serving.state import State
from tests.workloads.test_drain import eventually
from tests.workloads.test_short_way import TENSORS, V1, V2, Client, connect, request, served

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(120)]

Mirror = Callable[[str], Path]
BESIDE = "x-soloist-comparison: true"
ASK = {"round": "2 at noon", "requests": 100, "olderThan": 0}


class Gateway:
    """What it was asked, byte for byte."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.port = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.startswith(b"content-length")
        )
        self.asked.append(head + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        writer.close()

    def bodies(self) -> list[Any]:
        return [json.loads(one.partition(b"\r\n\r\n")[2]) for one in self.asked]


@contextlib.asynccontextmanager
async def beside_a_gateway(mirror: Mirror, *, keep: int) -> AsyncIterator[tuple[App, int, Gateway]]:
    """A server of a model of two columns of doubles, and what stands for its gateway."""
    gateway = Gateway()
    async with await asyncio.start_server(gateway.take, "127.0.0.1", 0) as standing:
        gateway.port = standing.sockets[0].getsockname()[1]
        state = State()
        state.become_ready(load_scorer(read_card(mirror("doubles"))))
        app = App(
            name="m", version="3", state=state, lane=Lane(threads=1),
            gateway=f"http://127.0.0.1:{gateway.port}", keep_requests=keep,
        )  # fmt: skip
        async with served(app) as port:
            yield app, port, gateway


def body(n: float) -> bytes:
    return json.dumps({"inputs": {"a": [n], "b": [2.0]}}).encode()


async def ask(client: Client, *more: str, **changed: Any) -> tuple[int, Any]:
    message = json.dumps({**ASK, **changed}).encode()
    client.writer.write(request("/replay", message, "application/json", *(more or (BESIDE,))))
    status, _, said = await client.read()
    return status, json.loads(said)


async def until_sent(app: App, number: int) -> None:
    """Answered too: while it sends it hears nobody."""
    line = f"soloist_replayed_requests_total {number}.0"
    await asyncio.to_thread(eventually, lambda: line in app.metrics.render().decode())


async def until_asked(gateway: Gateway, number: int) -> None:
    await asyncio.to_thread(eventually, lambda: len(gateway.asked) >= number)


async def test_kept_requests_are_asked_again_by_the_gateway_as_they_came(mirror: Mirror) -> None:
    async with beside_a_gateway(mirror, keep=10) as (app, port, gateway):
        client = await connect(port)
        tensors = json.dumps({"inputs": TENSORS}).encode()
        with_secrets = ("cookie: session=1", "authorization: Bearer secret")
        client.writer.write(request(V1, body(1), "application/json", *with_secrets))
        assert (await client.read())[0] == 200
        assert (await client.ask(V2, tensors))[0] == 200
        assert (await client.ask(V1 + "?", body(2)))[0] == 200  # the long way
        assert (await client.ask(V1, b"a,b\n3.0,2.0\n", "text/csv"))[0] == 200

        assert await ask(client) == (202, {"sent": 4})
        await until_sent(app, 4)
        heads = [one.partition(b"\r\n\r\n")[0].decode().split("\r\n") for one in gateway.asked]
        assert [head[0] for head in heads] == [f"POST {path} HTTP/1.1" for path in (V1, V2, V1, V1)]
        assert heads[3][1:] == [
            "host: 127.0.0.1", "content-type: text/csv", "content-length: 12",
            "x-soloist-replay: true", "connection: close",
        ]  # fmt: skip
        sent = b"".join(gateway.asked)
        assert tensors in sent
        assert b"session" not in sent
        assert b"secret" not in sent
        text = app.metrics.render().decode()
        assert "soloist_replayed_requests_total 4.0" in text
        assert "inputs" not in text


async def test_in_a_round_each_is_sent_once_and_the_oldest_first(mirror: Mirror) -> None:
    async with beside_a_gateway(mirror, keep=10) as (app, port, gateway):
        client = await connect(port)
        for n in range(5):
            await client.ask(V1, body(n))
        assert await ask(client, requests=3) == (202, {"sent": 3})
        assert "soloist_kept_requests_left 2.0" in app.metrics.render().decode()
        await until_sent(app, 3)
        assert await ask(client, requests=3) == (202, {"sent": 2})
        assert "soloist_kept_requests_left 0.0" in app.metrics.render().decode()
        await until_sent(app, 5)
        assert await ask(client, requests=3) == (202, {"sent": 0})
        assert [one["inputs"]["a"] for one in gateway.bodies()] == [[float(n)] for n in range(5)]
        assert await ask(client, round="another") == (202, {"sent": 5})


async def test_what_came_since_the_round_began_is_left_out(mirror: Mirror) -> None:
    async with beside_a_gateway(mirror, keep=10) as (_, port, _):
        client = await connect(port)
        await client.ask(V1, body(1))
        assert await ask(client, olderThan=60) == (202, {"sent": 0})


@pytest.mark.parametrize(
    "header", ["x-soloist-shadow: true", BESIDE, "x-soloist-replay: true"], ids=str
)
@pytest.mark.parametrize("path", [V1, V1 + "?"], ids=["the short way", "the long way"])
async def test_what_no_client_asked_is_not_kept(header: str, path: str, mirror: Mirror) -> None:
    async with beside_a_gateway(mirror, keep=10) as (_, port, _):
        client = await connect(port)
        client.writer.write(request(path, body(1), "application/json", header))
        assert (await client.read())[0] == 200
        assert await ask(client) == (202, {"sent": 0})


async def test_what_was_refused_or_is_large_is_not_kept(mirror: Mirror) -> None:
    async with beside_a_gateway(mirror, keep=10) as (_, port, _):
        client = await connect(port)
        assert (await client.ask(V1, b"{"))[0] == 400
        assert (await client.ask(V1, body(1) + b" " * MOST_BODY_BYTES))[0] == 200
        assert await ask(client) == (202, {"sent": 0})


async def test_nothing_is_kept_unless_it_was_asked_for(mirror: Mirror) -> None:
    assert parse_serving({"SOLOIST_MODEL_DIR": "/m", "SOLOIST_MODEL_NAME": "m", "SOLOIST_MODEL_VERSION": "3"}).keep_requests == 0  # fmt: skip
    async with beside_a_gateway(mirror, keep=0) as (_, port, _):
        client = await connect(port)
        await client.ask(V1, body(1))
        assert await ask(client) == (202, {"sent": 0})


@pytest.mark.parametrize(
    ("more", "changed", "status", "says"),
    [
        (("x-other: true",), {}, 403, "Only the operator"),
        ((), {"requests": 0}, 400, "1 to 100"),
        ((), {"requests": 101}, 400, "1 to 100"),
        ((), {"olderThan": -1}, 400, "at least 0"),
        ((), {"requests": "many"}, 400, "two numbers"),
        ((), {"round": None, "olderThan": None}, 400, "two numbers"),
    ],
    ids=["through the gateway", "none", "too many", "the future", "no number", "no time"],
)
async def test_an_ask_that_is_wrong_is_told_why(
    more: tuple[str, ...], changed: Any, status: int, says: str, mirror: Mirror
) -> None:
    async with beside_a_gateway(mirror, keep=10) as (_, port, gateway):
        client = await connect(port)
        await client.ask(V1, body(1))
        answered, said = await ask(client, *more, **changed)
        assert (answered, says in said["error"]) == (status, True)
        assert gateway.asked == []


async def test_a_gateway_that_is_away_holds_nobody_up(mirror: Mirror) -> None:
    async with beside_a_gateway(mirror, keep=10) as (app, port, _):
        app._replayer._gateway = app._replayer._gateway._replace(netloc="127.0.0.1:1")
        client = await connect(port)
        await client.ask(V1, body(1))
        assert await ask(client) == (202, {"sent": 1})
        assert (await client.ask(V1, body(2)))[0] == 200


def offered(kept: Recent, *bodies: bytes) -> list[bytes]:
    for one in bodies:
        kept.offer(b"/invocations", {}, one)
    return [one.body for one in kept.older_than(-1)]


async def test_the_newest_are_kept_and_no_more_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered(Recent(2), b"1", b"2", b"3") == [b"2", b"3"]
    monkeypatch.setattr(recent, "MOST_BYTES", 10)
    assert offered(Recent(100), b"first", b"second", b"third") == [b"third"]
    assert offered(Recent(100), b"12345", b"67890", b"") == [b"12345", b"67890", b""]
