"""A model in a process of its own: whatever it does there, the server answers, and the model comes back."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import mlflow.pyfunc
import pytest
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server

from soloist_workloads.serving.loading import load_scorer
from soloist_workloads.serving.problem import ModelProblem, RequestProblem
from soloist_workloads.serving.pyfunc import WorkerScorer, load_pyfunc
from soloist_workloads.serving.signature import Nothing, read_card
from soloist_workloads.serving.state import Phase, State
from soloist_workloads.serving.validity import Watch, unwatched
from tests.workloads.models import SIGNATURES, save_mirror
from tests.workloads.payloads import PAYLOADS
from tests.workloads.server_process import serving
from tests.workloads.unruly import save_unruly

JSON = "application/json"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def unruly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_unruly(tmp_path_factory.mktemp("unruly") / "model")


@pytest.fixture(scope="module")
def looked() -> Watch:
    return Watch(Nothing())


@pytest.fixture(scope="module")
def scorer(unruly: Path, looked: Watch) -> Iterator[WorkerScorer]:
    found = load_scorer(read_card(unruly), looked)
    assert isinstance(found, WorkerScorer)
    yield found
    found.attendant.close()


@pytest.fixture
def state(scorer: WorkerScorer) -> State:
    watched = State()
    watched.become_ready(scorer)
    scorer.watch(watched)
    eventually(lambda: watched.phase is Phase.READY)
    return watched


def order(text: str) -> bytes:
    return json.dumps({"dataframe_records": [{"order": text}]}).encode()


def ask(scorer: WorkerScorer, text: str) -> str:
    (answer,) = json.loads(scorer.invoke(order(text), JSON).body)["predictions"]
    return str(answer)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_model_runs_in_another_process(scorer: WorkerScorer) -> None:
    assert ask(scorer, "hello").rpartition(" ")[2] == str(scorer.attendant.pid) != str(os.getpid())


def test_params_reach_the_model(scorer: WorkerScorer) -> None:
    body = {"dataframe_records": [{"order": "hello"}], "params": {"suffix": "there"}}
    answer = json.loads(scorer.invoke(json.dumps(body).encode(), JSON).body)
    assert answer["predictions"][0].startswith("hello there ")


def test_refusals_come_through_as_they_are(scorer: WorkerScorer) -> None:
    with pytest.raises(RequestProblem, match="order") as caught:
        scorer.invoke(b'{"dataframe_records": [{"x": 1}]}', JSON)
    assert (caught.value.status, caught.value.is_models) == (400, False)
    with pytest.raises(RequestProblem, match="text/xml") as caught:
        scorer.invoke(b"", "text/xml")
    assert caught.value.status == 415


def test_tensors_go_there_as_bytes(scorer: WorkerScorer) -> None:
    raw = b"\x05\0\0\0hello"
    tensor = {"name": "order", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(raw)}}  # fmt: skip
    text = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    reply = scorer.infer(text + raw, model="m", version="3", header_length=str(len(text)))
    length = int(dict(reply.headers)[b"inference-header-content-length"])
    assert b"hello" in reply.body[length:]


def test_an_invalid_answer_is_counted_where_the_metrics_are(
    scorer: WorkerScorer, looked: Watch
) -> None:
    told: list[int] = []
    looked.tell = lambda: told.append(1)
    raw = json.dumps({"inputs": [{"name": "order", "shape": [1], "datatype": "BYTES", "data": ["nan"]}]})  # fmt: skip
    ask(scorer, "hello")
    assert told == []
    ask(scorer, "nan")
    scorer.infer(raw.encode(), model="m", version="3", header_length="")
    assert told == [1, 1]
    with unwatched():
        ask(scorer, "nan")
    ask(scorer, "hello")  # what the thread saw before is forgotten
    assert told == [1, 1]
    looked.tell = None


def test_a_model_that_exits_in_python_is_only_a_failed_request(scorer: WorkerScorer) -> None:
    pid = scorer.attendant.pid
    with pytest.raises(RequestProblem) as caught:
        ask(scorer, "raise system")
    assert caught.value.status >= 400
    assert caught.value.is_models
    assert scorer.attendant.pid == pid


@pytest.mark.parametrize(
    ("fatal", "said"),
    [
        ("segfault", "The model's process was killed by SIGSEGV."),
        ("exit 7", "The model's process ended with exit code 7."),
    ],
)
def test_a_crash_fails_its_requests_and_the_model_comes_back(
    fatal: str, said: str, scorer: WorkerScorer, state: State
) -> None:
    pid = scorer.attendant.pid
    seen: list[Phase] = []
    scorer.attendant.watch(lambda up: (state.hear_of_model(up), seen.append(state.phase))[0])
    with pytest.raises(RequestProblem) as caught:
        ask(scorer, fatal)
    assert caught.value.status == 500
    assert caught.value.is_models
    assert caught.value.message.startswith(said)
    assert state.phase is Phase.RESTARTING
    with pytest.raises(RequestProblem, match="starting again") as caught:
        ask(scorer, "hello")
    assert caught.value.status == 503
    eventually(lambda: state.phase is Phase.READY)
    assert seen == [Phase.READY, Phase.RESTARTING, Phase.READY]
    assert ask(scorer, "hello").rpartition(" ")[2] == str(scorer.attendant.pid) != str(pid)


def test_a_pod_that_is_leaving_does_not_stay_ready_without_a_model() -> None:
    leaving = State(phase=Phase.LINGERING)
    leaving.hear_of_model(True)
    assert leaving.is_ready
    leaving.hear_of_model(False)
    assert not leaving.is_ready
    leaving.hear_of_model(True)
    assert leaving.phase is Phase.DRAINING


def test_a_crash_fails_every_request_in_it_once(scorer: WorkerScorer, state: State) -> None:
    held = threading.Barrier(4)

    def send(text: str) -> int:
        held.wait()
        try:
            ask(scorer, text)
        except RequestProblem as problem:
            return problem.status
        return 200

    with ThreadPoolExecutor(4) as pool:
        sent: list[Future[int]] = [pool.submit(send, "hold 500000") for _ in range(3)]
        sent.append(pool.submit(send, "segfault"))
        statuses = [future.result(timeout=60) for future in sent]
    assert 500 in statuses
    assert set(statuses) <= {200, 500, 503}
    eventually(lambda: state.phase is Phase.READY)


def test_a_process_that_was_killed_is_told_as_such(scorer: WorkerScorer, state: State) -> None:
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(ask, scorer, "hold 60000000")
        eventually(lambda: bool(scorer.attendant._open))
        assert scorer.attendant.pid is not None
        os.kill(scorer.attendant.pid, signal.SIGKILL)
        with pytest.raises(RequestProblem, match="SIGKILL, most likely because memory ran out"):
            sent.result(timeout=60)
    eventually(lambda: state.phase is Phase.READY)


def test_an_answer_that_never_comes_ends_the_process(scorer: WorkerScorer, state: State) -> None:
    scorer.attendant._longest_seconds = 0.5
    try:
        with pytest.raises(RequestProblem, match=r"no answer within 0\.5 s") as caught:
            ask(scorer, "hold 60000000")
    finally:
        scorer.attendant._longest_seconds = 300.0
    assert caught.value.status == 500
    eventually(lambda: state.phase is Phase.READY)


def test_memory_runs_out_for_the_model_alone(unruly: Path) -> None:
    scorer = load_pyfunc(read_card(unruly), share=600 * MIB)
    try:
        with pytest.raises(RequestProblem):
            ask(scorer, f"fill {4096 * MIB}")
        assert ask(scorer, f"fill {1 * MIB}").startswith("fill")
    finally:
        scorer.attendant.close()


def test_a_model_that_cannot_be_loaded_is_one_sentence(tmp_path: Path) -> None:
    save_unruly(tmp_path / "model")
    (tmp_path / "model" / "python_model.pkl").write_bytes(b"nothing")
    with pytest.raises(ModelProblem, match=r"^The model in .* can't be loaded: ") as caught:
        load_scorer(read_card(tmp_path / "model"))
    assert "\n" not in str(caught.value)


def test_health_is_answered_whatever_the_model_does(unruly: Path) -> None:
    with serving(unruly) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        with ThreadPoolExecutor(1) as pool:
            held = pool.submit(httpx.post, f"http://127.0.0.1:{port}/invocations", content=order("hold 2000000"), headers={"content-type": JSON}, timeout=60)  # fmt: skip
            beats = 0
            while not held.done():
                assert client.get("/v2/health/live").status_code == 200
                beats += 1
        assert held.result().status_code == 200
        assert beats > 20
        crashed = client.post("/invocations", content=order("segfault"), headers={"content-type": JSON}, timeout=60)  # fmt: skip
        assert crashed.status_code == 500
        assert "SIGSEGV" in crashed.json()["message"]
        assert client.get("/v2/health/live").status_code == 200
        assert (
            client.get("/v2/health/ready").json()["because"].startswith("the model's process ended")
        )
        refused = client.post(
            "/invocations", content=order("hello"), headers={"content-type": JSON}
        )
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        eventually(lambda: client.get("/v2/health/ready").status_code == 200)


@pytest.mark.filterwarnings("ignore")
def test_answers_through_the_process_are_mlflows(tmp_path: Path) -> None:
    """The same bytes reach mlflow's own code, so a few of each form are enough here."""
    folder = save_mirror(tmp_path / "model", SIGNATURES["doubles"])
    model = mlflow.pyfunc.load_model(str(folder))
    scorer = load_pyfunc(read_card(folder))
    try:
        for payload in (p for p in PAYLOADS if p.model == "doubles"):
            try:
                answer: Any = scoring_server.invocations(
                    payload.body, payload.content_type, model, model.metadata.get_input_schema()
                )
                theirs = answer.status, answer.response if answer.status == 200 else None
            except MlflowException as error:
                theirs = error.get_http_status_code(), None
            try:
                reply = scorer.invoke(payload.body, payload.content_type)
                ours = reply.status, reply.body.decode() if reply.status == 200 else None
            except RequestProblem as problem:
                ours = problem.status, None
            assert ours == theirs, payload.id
    finally:
        scorer.attendant.close()
