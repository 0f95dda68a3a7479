"""Every native flavor answers as mlflow does: as a table or a matrix, and alone or joined with others, to the last bit."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pytest
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server

from soloist_workloads.serving.answerer import MOST_IN_TURN, MOST_TOGETHER, Answerer, Question
from soloist_workloads.serving.loading import load_scorer
from soloist_workloads.serving.metrics import Metrics
from soloist_workloads.serving.pace import FIRST_TRIAL
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.scorer import NativeScorer, Reply
from soloist_workloads.serving.signature import Columns, read_card
from tests.workloads.flavors import CHANCE, COUNTS, MODELS, TABLE, make_saver

pytestmark = pytest.mark.filterwarnings("ignore")

JOINABLE = [name for name, (_, _, apart) in MODELS.items() if apart]
JSON = "application/json"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    return make_saver(tmp_path_factory.mktemp("flavors"))


def rows_for(scorer: NativeScorer, count: int) -> list[list[Any]]:
    """Values in the signature's own type, so that JSON holds exactly what the model shall get."""
    assert isinstance(scorer.inputs, Columns)
    kinds = {str(column.kind) for column in scorer.inputs.columns}
    if kinds == {"long"}:
        return CHANCE.integers(-3000, 3000, size=(count, 4)).tolist()
    dtype = np.float32 if kinds == {"float"} else np.float64
    return CHANCE.normal(size=(count, 4)).astype(dtype).tolist()


def load(folder: Path) -> NativeScorer:
    scorer = load_scorer(read_card(folder))
    assert isinstance(scorer, NativeScorer)
    return scorer


def split(rows: list[list[Any]]) -> bytes:
    return json.dumps({"dataframe_split": {"columns": list(TABLE), "data": rows}}).encode()


def ask(scorer: NativeScorer, body: bytes) -> tuple[int, Any]:
    try:
        reply = scorer.invoke(body, JSON)
    except RequestProblem as problem:
        return problem.status, None
    return reply.status, json.loads(reply.body, parse_constant=str)


@pytest.mark.parametrize("name", MODELS)
def test_the_answer_is_mlflows(name: str, saved: Callable[[str], Path]) -> None:
    scorer = load(saved(name))
    theirs = mlflow.pyfunc.load_model(str(saved(name)))
    schema = theirs.metadata.get_input_schema()
    whole = rows_for(scorer, 7)
    bodies = [
        split(whole),
        split(whole[:1]),
        json.dumps(
            {"dataframe_records": [dict(zip(TABLE, row, strict=True)) for row in whole]}
        ).encode(),
        json.dumps(
            {"inputs": dict(zip(TABLE, map(list, zip(*whole, strict=True)), strict=True))}
        ).encode(),
        split([[*whole[0][:3], None]]),
        split([[*whole[0][:3], "no number"]]),
        split([whole[0][:3]]),
        split([]),
    ]
    for body in bodies:
        try:
            answer = scoring_server.invocations(body, JSON, theirs, schema)
            expected = answer.status, json.loads(answer.response, parse_constant=str)
        except MlflowException as error:
            expected = error.get_http_status_code(), None
        assert ask(scorer, body) == expected, body


@pytest.mark.parametrize("name", MODELS)
def test_who_takes_matrices_and_whose_rows_are_apart(
    name: str, saved: Callable[[str], Path]
) -> None:
    matrix = load(saved(name)).matrix
    _, takes_matrices, apart = MODELS[name]
    assert (matrix is not None) is takes_matrices
    assert (matrix is not None and matrix.rows_are_apart) is apart


@pytest.mark.parametrize("name", [name for name, (_, matrix, _) in MODELS.items() if matrix])
def test_a_matrix_is_answered_as_the_table(name: str, saved: Callable[[str], Path]) -> None:
    import pandas as pd

    from soloist_workloads.serving.answer import encode_predictions

    scorer = load(saved(name))
    assert scorer.matrix is not None
    table = pd.DataFrame(rows_for(scorer, 9), columns=list(TABLE)).astype(scorer.matrix.plan.dtype)
    rows = scorer.matrix.plan.read_invocation(split(table.to_numpy().tolist()))
    assert rows is not None
    try:
        expected = encode_predictions(scorer._predict(table))
    except ValueError as error:  # an ONNX model whose outputs make no table
        with pytest.raises(type(error)):
            scorer.matrix.predict(rows)
        return
    assert json.loads(encode_predictions(scorer.matrix.predict(rows))) == json.loads(expected)


def answerer_of(scorer: NativeScorer) -> Answerer:
    return Answerer(scorer, Metrics(model="m", version="3"), model="m", version="3")


@pytest.mark.parametrize("name", JOINABLE)
def test_an_answer_doesnt_tell_what_it_was_joined_with(
    name: str, saved: Callable[[str], Path]
) -> None:
    scorer = load(saved(name))
    questions = [
        Question("v1", split(rows_for(scorer, 1 + place % 3)), JSON) for place in range(64)
    ]
    alone = [answerer_of(scorer).answer([question])[0] for question in questions]
    for count in (2, 3, 17, 64):
        together = answerer_of(scorer).answer(questions[:count])
        assert [_body(outcome) for outcome in together] == list(map(_body, alone[:count]))


def _body(outcome: Reply | Exception) -> bytes:
    assert isinstance(outcome, Reply)
    return outcome.body


def test_one_bad_request_fails_alone(saved: Callable[[str], Path]) -> None:
    """Nobody but the model knows that a forest of scikit-learn refuses an infinite number."""
    scorer = load(saved("forest"))
    good, bad = Question("v1", split([[0.0] * 4]), JSON), Question("v1", split([[1e300] * 4]), JSON)
    outcomes = answerer_of(scorer).answer([good, bad, Question("v1", b"{", JSON), good])
    assert [type(outcome) for outcome in outcomes] == [Reply, RequestProblem, RequestProblem, Reply]
    assert "too large" in str(outcomes[1])
    assert [getattr(outcome, "is_models", None) for outcome in outcomes] == [
        None,
        True,
        False,
        None,
    ]


def test_bytes_are_answered_beside_numbers(saved: Callable[[str], Path]) -> None:
    """Binary tensors take the protocol's whole path, also among requests that are joined."""
    scorer = load(saved("forest"))
    rows = np.array(rows_for(scorer, 3))
    tensor = {"name": "x", "shape": list(rows.shape), "datatype": "FP64"}
    in_json = {**tensor, "data": rows.tolist()}
    in_bytes = {**tensor, "parameters": {"binary_data_size": rows.nbytes}}
    text = json.dumps({"inputs": [in_bytes]}).encode()
    answer_in_bytes = {"inputs": [in_json], "parameters": {"binary_data_output": True}}
    number = Question("v2", json.dumps({"inputs": [in_json]}).encode(), JSON)
    binary = Question("v2", text + rows.tobytes(), "application/octet-stream", str(len(text)))
    wanted = Question("v2", json.dumps(answer_in_bytes).encode(), JSON)
    misread = Question("v2", number.body, JSON, "none")
    outcomes = answerer_of(scorer).answer([number, binary, wanted, misread, number])
    assert _body(outcomes[0]) == _body(outcomes[1]) == _body(outcomes[4])
    assert isinstance(outcomes[2], Reply)
    assert outcomes[2].headers
    assert isinstance(outcomes[3], RequestProblem)


def test_models_of_matrix_products_are_never_joined(saved: Callable[[str], Path]) -> None:
    assert answerer_of(load(saved("logistic"))).by_thread.most == 1
    assert answerer_of(load(saved("forest"))).by_thread.most == MOST_TOGETHER


def test_only_what_is_quick_is_answered_in_turn(saved: Callable[[str], Path]) -> None:
    """On the event loop, where health checks wait for as many of its calls."""
    answerer, question = answerer_of(load(saved("logistic"))), Question("v2", b"{}", JSON)
    assert answerer.way_of(b"{}").most_at_once == 1
    for _ in range(FIRST_TRIAL):
        answerer.answer([question])
    assert answerer.way_of(b"{}").most_at_once == MOST_IN_TURN
    assert answerer_of(load(saved("forest"))).way_of(b"{}").most_at_once == MOST_TOGETHER


@pytest.mark.parametrize("datatype", ["FP32", "FP64", "INT64"])
@pytest.mark.parametrize("form", ["one", "columns"])
def test_v2_is_answered_alike_on_both_ways(
    datatype: str, form: str, saved: Callable[[str], Path]
) -> None:
    from soloist_workloads.serving import openinference

    scorer = load(saved("forest"))
    rows = (
        COUNTS.head(3).to_numpy().tolist()
        if datatype == "INT64"
        else TABLE.head(3).to_numpy().tolist()
    )
    flat = [value for row in rows for value in row]
    columns = zip(TABLE, zip(*rows, strict=True), strict=True)
    inputs = (
        [{"name": "x", "shape": [3, 4], "datatype": datatype, "data": flat}]
        if form == "one"
        else [
            {"name": name, "shape": [3], "datatype": datatype, "data": list(values)}
            for name, values in columns
        ]
    )
    body = json.dumps({"id": "7", "inputs": inputs}).encode()
    assert scorer.matrix is not None
    assert scorer.matrix.plan.read_inference(body) is not None
    outcome = answerer_of(scorer).answer([Question("v2", body, JSON)])[0]
    whole = openinference.infer(body, scorer, model="m", version="3", header_length="")
    assert _body(outcome) == whole.body


def test_numbers_are_answered_without_pandas(saved: Callable[[str], Path]) -> None:
    """It is half of the start and of the memory; scikit-learn would import it for a constant."""
    import subprocess
    import sys

    program = (
        "import sys; from pathlib import Path\n"
        "from soloist_workloads.serving.loading import load_scorer\n"
        "from soloist_workloads.serving.signature import read_card\n"
        "from soloist_workloads.serving.app import App\n"
        "scorer = load_scorer(read_card(Path(sys.argv[1])))\n"
        "print(scorer.invoke(sys.argv[2].encode(), 'application/json').status)\n"
        "assert not {'pandas', 'mlflow', 'skops'} & set(sys.modules)\n"
        "import pandas; pandas.DataFrame()\n"
    )
    body = split([[0.0] * 4]).decode()
    run = subprocess.run(
        [sys.executable, "-c", program, str(saved("logistic")), body],
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout == "200\n"
