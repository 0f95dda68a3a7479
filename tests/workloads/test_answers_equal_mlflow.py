"""Every answer of `/invocations` equals that of mlflow's own scoring server, asked beside it over HTTP.

Models answer with what they were given, so equal answers mean equal inputs. What differs on purpose is in
`differences.py`, each with its reason.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import mlflow.pyfunc
import pytest
from mlflow.pyfunc import scoring_server

from soloist_workloads.serving.app import App
from soloist_workloads.serving.lane import Lane
from soloist_workloads.serving.loading import load_scorer
from soloist_workloads.serving.signature import read_card
from soloist_workloads.serving.state import State
from tests.workloads.differences import BODIES, BY_STATUS, CODES, STATUSES
from tests.workloads.models import SIGNATURES, save_model
from tests.workloads.payloads import PAYLOADS, Payload
from tests.workloads.payloads_json import JSON_PAYLOADS
from tests.workloads.payloads_text import TEXT_PAYLOADS

CORPUS = [*PAYLOADS, *JSON_PAYLOADS, *TEXT_PAYLOADS]
# mlflow checks these itself, in Soloist too; so the sentences of its errors are the same.
CHECKED_BY_MLFLOW = {"tuned", "pair", "nested"}

Answers = dict[str, tuple[httpx.Response, httpx.Response]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Answers]:
    """By a model's name: mlflow's and our answer to each of its requests."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    root = tmp_path_factory.mktemp("models")

    @cache
    def ask_all(model: str) -> Answers:
        return asyncio.run(_ask_both(save_model(root / model, model), model))

    return ask_all


async def _ask_both(folder: Path, model: str) -> Answers:
    """Two servers, and the model's whole table to each of them."""
    state = State()
    state.become_ready(load_scorer(read_card(folder)))
    ours = App(name="m", version="3", state=state, lane=Lane(threads=1))
    theirs: Any = scoring_server.init(mlflow.pyfunc.load_model(str(folder)))
    async with _client(theirs) as one, _client(ours) as other:
        return {
            payload.id: (await _ask(one, payload), await _ask(other, payload))
            for payload in CORPUS
            if payload.model == model
        }


def _client(app: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://m")


async def _ask(client: httpx.AsyncClient, payload: Payload) -> httpx.Response:
    headers = {} if payload.content_type is None else {"content-type": payload.content_type}
    return await client.request(
        payload.method, "/invocations", content=payload.body, headers=headers
    )


@pytest.mark.parametrize("payload", CORPUS, ids=[payload.id for payload in CORPUS])
@pytest.mark.filterwarnings("ignore")
def test_the_answer_is_mlflows(payload: Payload, answers: Callable[[str], Answers]) -> None:
    theirs, ours = answers(payload.model)[payload.id]
    if payload.id in STATUSES:
        assert (theirs.status_code, ours.status_code) == STATUSES[payload.id][:2]
        return
    assert ours.status_code == theirs.status_code, (theirs.text, ours.text)
    if ours.status_code != 200:
        check_refusal(payload, theirs, ours)
    elif payload.id in BODIES:
        assert ours.content != theirs.content, "no difference any more"
    else:
        assert ours.content == theirs.content
        assert ours.headers["content-type"] == theirs.headers["content-type"]


def check_refusal(payload: Payload, theirs: httpx.Response, ours: httpx.Response) -> None:
    """The sentence is ours, and tells what to do; sqlstate, error_class and stack_trace are not sent."""
    if payload.method == "HEAD":
        return  # an answer without a body
    assert ours.headers["content-type"] == "application/json"
    told = ours.json()
    assert set(told) == {"error_code", "message"}
    if ours.status_code in BY_STATUS:
        assert theirs.headers.get("content-type") != "application/json" or "detail" in theirs.text
        return
    expected = json.loads(theirs.text)
    if payload.id in CODES:
        assert told["error_code"] != expected["error_code"], "no difference any more"
    else:
        assert told["error_code"] == expected["error_code"], (expected, told)
    if payload.model in CHECKED_BY_MLFLOW:
        assert words(told["message"]) == words(expected["message"])


def words(sentence: str) -> list[str]:
    """mlflow prints sets, whose order is the process' own."""
    return sorted(re.findall(r"\w+", sentence))


def test_the_corpus_is_wide_and_every_difference_is_of_a_request_in_it() -> None:
    ids = {payload.id for payload in CORPUS}
    assert len(ids) == len(CORPUS)
    assert len({(p.model, p.method, p.content_type, p.body) for p in CORPUS}) >= 800
    assert {payload.model for payload in CORPUS} == set(SIGNATURES)
    assert {*STATUSES, *BODIES, *CODES} <= ids


def test_users_are_told_every_difference_and_the_size_of_the_corpus() -> None:
    page = " ".join((Path(__file__).parents[2] / "docs" / "serving.md").read_text().split())
    reasons = {*BY_STATUS.values(), *BODIES.values(), *CODES.values()}
    reasons |= {reason for _, _, reason in STATUSES.values()}
    assert {reason for reason in reasons if reason not in page} == set()
    assert f"{len(CORPUS)} requests" in page
