"""`python -m soloist_workloads.serving.worker`: any MLflow model, in a process of its own.

Loads through mlflow's own loading, checking and scoring. Importing `mlflow` takes two seconds and 150 MB, which the server's
own process is spared.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server

from soloist_workloads.serving import openinference
from soloist_workloads.serving.garbage import keep_what_is_loaded, postpone_collections
from soloist_workloads.serving.loading import explain_load_failure
from soloist_workloads.serving.memory import bound_growth, offer_to_the_killer
from soloist_workloads.serving.parcels import (
    FAILED,
    ID,
    READY,
    pack,
    pack_problem,
    pack_reply,
    unpack,
)
from soloist_workloads.serving.problem import (
    INVALID_PARAMETER_VALUE,
    ModelProblem,
    RequestProblem,
)
from soloist_workloads.serving.scorer import JSON, CardScorer, Reply, Scorer, parse_content_type
from soloist_workloads.serving.signature import ModelCard, read_card
from soloist_workloads.serving.validity import Watch
from soloist_workloads.serving.warmup import warm_up

# As many as the server's lane has at most; it is the lane that admits.
THREADS = 4

# mlflow ships types for some of its functions only.
_invocations: Any = scoring_server.invocations
_status_of: Any = MlflowException.get_http_status_code

# How mlflow begins what it says of anything that a model raised.
MODEL_RAISED = "Encountered an unexpected error while evaluating the model."


class Witness(threading.local):
    """What the watch saw while this thread worked on its request: mlflow's scoring shows nobody what the model gave."""

    is_invalid = False

    def note(self) -> None:
        self.is_invalid = True


class PyfuncScorer(CardScorer):
    """Answers are mlflow's by construction; so are the sentences of its errors."""

    def __init__(self, card: ModelCard, model: Any) -> None:
        super().__init__(card)
        self._model = model
        self._schema = model.metadata.get_input_schema()

    def invoke(self, body: bytes, content_type: str) -> Reply:
        parse_content_type(content_type)
        try:
            answer = _invocations(body, content_type or JSON, self._model, self._schema)
        except MlflowException as error:
            raise _problem(error) from error
        return Reply(answer.response.encode(), answer.status, answer.mimetype)

    def predict(self, given: Any) -> Any:
        try:
            return self._model.predict(given)
        except MlflowException as error:
            raise _problem(error) from error
        except Exception as error:
            raise RequestProblem(
                f"The model failed on this input: {type(error).__name__}: {error}.",
                is_models=True,
            ) from error


def _problem(error: MlflowException) -> RequestProblem:
    return RequestProblem(
        str(error.message),
        status=int(_status_of(error)),
        code=str(error.error_code or INVALID_PARAMETER_VALUE),
        is_models=str(error.message).startswith(MODEL_RAISED),
    )


def main(folder: Path, memory: int, connection: Connection) -> None:
    postpone_collections()
    try:
        scorer = _load(folder, witness := Witness())
    except ModelProblem as problem:
        connection.send_bytes(pack({FAILED: str(problem)}))
        return
    if memory:
        bound_growth(memory)
    connection.send_bytes(pack({READY: True}))
    _serve(scorer, witness, connection)


def _load(folder: Path, witness: Witness) -> Scorer:
    card = read_card(folder)
    watch = Watch(card.outputs)
    try:
        model: Any = mlflow.pyfunc.load_model(str(folder))
        model.predict = watch.over(model.predict)
        scorer = PyfuncScorer(card, model)
    except Exception as error:
        raise ModelProblem(explain_load_failure(folder, error)) from error
    warm_up(scorer, card)
    keep_what_is_loaded()
    watch.tell = witness.note
    return scorer


def _serve(scorer: Scorer, witness: Witness, connection: Connection) -> None:
    """Until the server's end closes: a process whose server is gone has nobody to answer."""
    sending = threading.Lock()

    def work(told: dict[str, Any], body: bytes) -> None:
        parcel = _answer(scorer, witness, told, body)
        with sending:
            connection.send_bytes(parcel)

    with ThreadPoolExecutor(THREADS, thread_name_prefix="predict") as pool:
        while True:
            try:
                parcel = connection.recv_bytes()
            except (EOFError, OSError):
                os._exit(0)  # without waiting for predictions that nobody reads
            pool.submit(work, *unpack(parcel))


def _answer(scorer: Scorer, witness: Witness, told: dict[str, Any], body: bytes) -> bytes:
    number = int(told.pop(ID))
    witness.is_invalid = False
    try:
        if "content_type" in told:
            reply = scorer.invoke(body, told["content_type"])
        else:
            reply = openinference.infer(body, scorer, **told)
        return pack_reply(number, replace(reply, is_valid=not witness.is_invalid))
    except RequestProblem as problem:
        return pack_problem(number, problem)
    except (
        BaseException
    ) as error:  # a model may raise what it likes, SystemExit too; the request must not hang
        sentence = f"The model failed on this input: {type(error).__name__}: {error}."
        return pack_problem(
            number, RequestProblem(sentence, status=500, code="INTERNAL_ERROR", is_models=True)
        )


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(2, 1)  # what a model prints is log
    offer_to_the_killer()
    main(Path(sys.argv[1]), int(sys.argv[2]), Connection(int(sys.argv[3])))
