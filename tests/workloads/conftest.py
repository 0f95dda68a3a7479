"""Models and apps that several test files use."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from soloist_workloads.serving.app import App
from soloist_workloads.serving.lane import Lane
from soloist_workloads.serving.loading import load_scorer
from soloist_workloads.serving.signature import read_card
from soloist_workloads.serving.state import State

Client = Callable[[App], httpx.AsyncClient]


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of models that answer with what they were given, by the name of their signature."""
    from tests.workloads.models import SIGNATURES, save_mirror

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    root = tmp_path_factory.mktemp("mirrors")

    def folder(signature: str) -> Path:
        target = root / signature
        return target if target.exists() else save_mirror(target, SIGNATURES[signature])

    return folder


@pytest.fixture
def make_app(mirror: Callable[[str], Path]) -> Callable[..., App]:
    def make(signature: str | None = "doubles", **lane: Any) -> App:
        state = State()
        if signature is not None:
            state.become_ready(load_scorer(read_card(mirror(signature))))
        return App(name="m", version="3", state=state, lane=Lane(**{"threads": 1, **lane}))

    return make


@pytest.fixture
def connect() -> Client:
    def client(app: App) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://m")  # type: ignore[arg-type] # httpx types ASGI loosely

    return client


@pytest.fixture
def infer(
    make_app: Callable[..., App], connect: Client
) -> Callable[[str, Any], Awaitable[httpx.Response]]:
    async def ask(signature: str, body: Any) -> httpx.Response:
        async with connect(make_app(signature)) as client:
            return await client.post("/v2/models/m/infer", json=body)

    return ask
