"""Every answer of `/invocations` equals that of mlflow's own scoring server, and so does every refusal's status."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pytest
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server

from soloist_workloads.serving.loading import load_scorer
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.scorer import NativeScorer
from soloist_workloads.serving.signature import read_card
from tests.workloads.models import SIGNATURES, save_mirror
from tests.workloads.payloads import PAYLOADS, Payload

Answer = tuple[int, Any]
Ask = Callable[[Payload], Answer]


@pytest.fixture(scope="module")
def ask_both(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Payload], tuple[Answer, Answer]]:
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    root = tmp_path_factory.mktemp("models")

    @cache
    def askers(model: str) -> tuple[Ask, Ask]:
        folder = save_mirror(root / model, SIGNATURES[model])
        return _mlflow_asker(folder), _our_asker(folder)

    return lambda payload: tuple(ask(payload) for ask in askers(payload.model))


def _mlflow_asker(folder: Path) -> Ask:
    """mlflow's own `/invocations`, one step below its HTTP."""
    model = mlflow.pyfunc.load_model(str(folder))
    schema = model.metadata.get_input_schema()

    def ask(payload: Payload) -> Answer:
        try:
            answer = scoring_server.invocations(payload.body, payload.content_type, model, schema)
        except MlflowException as error:
            return error.get_http_status_code(), None
        return answer.status, _parse(answer.response) if answer.status == 200 else None

    return ask


def _our_asker(folder: Path) -> Ask:
    scorer = load_scorer(read_card(folder))
    assert isinstance(scorer, NativeScorer)

    def ask(payload: Payload) -> Answer:
        try:
            reply = scorer.invoke(payload.body, payload.content_type)
        except RequestProblem as problem:
            return problem.status, None
        return reply.status, _parse(reply.body)

    return ask


def _parse(text: str | bytes) -> Any:
    return json.loads(text, parse_constant=str)


@pytest.mark.parametrize("payload", PAYLOADS, ids=[payload.id for payload in PAYLOADS])
@pytest.mark.filterwarnings("ignore")
def test_the_answer_is_mlflows(
    payload: Payload, ask_both: Callable[[Payload], tuple[Answer, Answer]]
) -> None:
    theirs, ours = ask_both(payload)
    assert ours == theirs


def test_the_corpus_is_wide() -> None:
    assert len(PAYLOADS) >= 300
    assert len({payload.id for payload in PAYLOADS}) == len(PAYLOADS)
