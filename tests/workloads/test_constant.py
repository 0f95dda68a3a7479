"""One answer to every row, from a folder that holds nothing but an MLmodel file."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pandas as pd
import pytest
import yaml
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec

from soloist_workloads.serving.app import App
from soloist_workloads.serving.constant import load_constant
from soloist_workloads.serving.lane import Lane
from soloist_workloads.serving.problem import ModelProblem
from soloist_workloads.serving.signature import read_card
from soloist_workloads.serving.state import State
from tests.cluster.ports import free_port
from tests.workloads.conftest import Client
from tests.workloads.server_process import start, wait_until_ready

TABLE = Schema([ColSpec("double", "a"), ColSpec("string", "b")])
NUMBERS = Schema([TensorSpec(np.dtype("float64"), (-1,))])
TEXTS = Schema([TensorSpec(np.dtype("str"), (-1,))])
ROWS = [[1.0, "x"], [2.0, "y"], [None, "z"]]
JSON = "application/json"


def folder(root: Path, outputs: Schema | None, inputs: Schema = TABLE) -> Path:
    """A model whose own file is gone: whoever loaded it would notice."""
    signature = ModelSignature(inputs=inputs, outputs=outputs).to_dict()
    flavor = {"loader_module": "mlflow.sklearn", "model_path": "gone.pkl"}
    card = {"flavors": {"python_function": flavor}, "signature": signature}
    (root / "MLmodel").write_text(yaml.safe_dump(card))
    return root


def app(root: Path, value: Any, outputs: Schema | None = NUMBERS, inputs: Schema = TABLE) -> App:
    state = State()
    card = read_card(folder(root, outputs, inputs))
    state.become_ready(load_constant(card, orjson.dumps(value).decode()))
    return App(name="m", version="constant", state=state, lane=Lane(threads=1))


def parquet() -> bytes:
    file = io.BytesIO()
    pd.DataFrame(ROWS, columns=["a", "b"]).to_parquet(file)
    return file.getvalue()


FORMS: dict[str, Any] = {
    "dataframe_split": {"dataframe_split": {"columns": ["a", "b"], "data": ROWS}},
    "dataframe_records": {"dataframe_records": [{"a": a, "b": b} for a, b in ROWS]},
    "inputs": {"inputs": {"a": [1.0, 2.0, 3.0], "b": ["x", "y", "z"]}},
    "instances": {"instances": [{"a": 1.0, "b": "x"}, {"a": 2.0, "b": "y"}, {"a": 3.0, "b": "z"}]},
}


@pytest.mark.asyncio
@pytest.mark.parametrize("form", FORMS)
async def test_every_form_gets_one_answer_for_each_row(
    form: str, tmp_path: Path, connect: Client
) -> None:
    async with connect(app(tmp_path, 12.5)) as client:
        response = await client.post("/invocations", json=FORMS[form])
    assert (response.status_code, response.json()) == (200, {"predictions": [12.5] * 3})
    assert response.headers["x-model-version"] == "constant"


@pytest.mark.asyncio
@pytest.mark.parametrize("media", ["text/csv", "application/vnd.apache.parquet"])
async def test_so_does_a_file(media: str, tmp_path: Path, connect: Client) -> None:
    body = b"a,b\n1,x\n2,y\n,z\n" if media == "text/csv" else parquet()
    async with connect(app(tmp_path, 12.5)) as client:
        response = await client.post("/invocations", content=body, headers={"content-type": media})
    assert (response.status_code, response.json()) == (200, {"predictions": [12.5] * 3})


@pytest.mark.asyncio
async def test_open_inference_gets_it_as_a_tensor(tmp_path: Path, connect: Client) -> None:
    columns = [
        {"name": "a", "shape": [2], "datatype": "FP64", "data": [1, 2]},
        {"name": "b", "shape": [2], "datatype": "BYTES", "data": ["x", "y"]},
    ]
    async with connect(app(tmp_path, 7)) as client:
        response = await client.post("/v2/models/m/infer", json={"inputs": columns})
        binary = await client.post(
            "/v2/models/m/infer",
            json={"inputs": columns, "parameters": {"binary_data_output": True}},
        )
    (output,) = response.json()["outputs"]
    assert (output["datatype"], output["data"]) == ("FP64", [7.0, 7.0])
    length = int(binary.headers["inference-header-content-length"])
    assert np.frombuffer(binary.content[length:], "<f8").tolist() == [7.0, 7.0]


@pytest.mark.asyncio
async def test_what_the_champion_would_refuse_is_refused(tmp_path: Path, connect: Client) -> None:
    async with connect(app(tmp_path, 12.5)) as client:
        response = await client.post("/invocations", json={"dataframe_records": [{"a": 1.0}]})
    assert response.status_code == 400
    assert "column b" in response.json()["message"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("value", "outputs", "answers"),
    [
        (12.5, Schema([ColSpec("double")]), [12.5, 12.5]),
        (3, Schema([ColSpec("double", "late")]), [{"late": 3.0}, {"late": 3.0}]),
        (3.0, Schema([ColSpec("long")]), [3, 3]),
        (3, Schema([TensorSpec(np.dtype("int32"), (-1, 1))]), [[3], [3]]),
        (True, Schema([ColSpec("boolean")]), [True, True]),
        ("on time", TEXTS, ["on time", "on time"]),
        ("on time", Schema([TensorSpec(np.dtype("object"), (-1,))]), ["on time", "on time"]),
        ("on time", Schema([ColSpec("string", "label")]), [{"label": "on time"}] * 2),
        ("on time", None, ["on time", "on time"]),
        (0.5, None, [0.5, 0.5]),
    ],
)
async def test_it_has_the_type_that_the_model_promises(
    value: Any, outputs: Schema | None, answers: list[Any], tmp_path: Path, connect: Client
) -> None:
    two = {"dataframe_split": {"columns": ["a", "b"], "data": ROWS[:2]}}
    async with connect(app(tmp_path, value, outputs)) as client:
        response = await client.post("/invocations", json=two)
    assert response.json() == {"predictions": answers}
    assert [type(one) for one in response.json()["predictions"]] == [type(one) for one in answers]


@pytest.mark.asyncio
async def test_an_array_gets_one_for_each_of_its_rows(tmp_path: Path, connect: Client) -> None:
    matrix = Schema([TensorSpec(np.dtype("float32"), (-1, 2))])
    async with connect(app(tmp_path, 1.5, NUMBERS, matrix)) as client:
        response = await client.post("/invocations", json={"inputs": [[1, 2], [3, 4], [5, 6]]})
    assert response.json() == {"predictions": [1.5, 1.5, 1.5]}


@pytest.mark.parametrize(
    ("value", "outputs", "why"),
    [
        ("late", NUMBERS, "is of type float64"),
        ("1.5", Schema([ColSpec("double")]), "is of type float64"),
        (True, NUMBERS, "is of type float64"),
        (1, TEXTS, "is of type text"),
        (1.5, Schema([ColSpec("long")]), "is of type int64"),
        (2**40, Schema([ColSpec("integer")]), "is of type int32"),
        (1e300, Schema([ColSpec("float")]), "is of type float32"),
        (1, Schema([ColSpec("boolean")]), "is of type bool"),
        ("2026-01-01", Schema([ColSpec("datetime")]), "is of type datetime64[ns]"),
        (1, Schema([ColSpec("double", "a"), ColSpec("double", "b")]), "has 2 columns"),
        (1, Schema([TensorSpec(np.dtype("float64"), (-1, 3))]), "is an array of shape (-1, 3)"),
    ],
)
def test_what_does_not_fit_is_told_before_anyone_asks(
    value: Any, outputs: Schema, why: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelProblem, match="can't stand for the model's answer, which") as told:
        app(tmp_path, value, outputs)
    assert why in str(told.value)
    assert "baseline.constant" in str(told.value)


def test_the_server_answers_without_the_models_files(tmp_path: Path) -> None:
    port = free_port()
    more = {"SOLOIST_CONSTANT": "12.5", "SOLOIST_MODEL_VERSION": "constant"}
    process = start(folder(tmp_path, NUMBERS), port, **more)
    try:
        wait_until_ready(port)
        answer = httpx.post(f"http://127.0.0.1:{port}/invocations", json=FORMS["dataframe_split"])
        assert answer.json() == {"predictions": [12.5] * 3}
        resident = Path(f"/proc/{process.pid}/status").read_text()
        kibibytes = int(resident.partition("VmHWM:")[2].split()[0])
        # The pod has 256 MiB.
        assert kibibytes < 200 * 1024
    finally:
        process.kill()
        process.wait()


def test_a_server_whose_constant_does_not_fit_says_so_and_ends(tmp_path: Path) -> None:
    process: subprocess.Popen[bytes] = start(
        folder(tmp_path, NUMBERS), free_port(), SOLOIST_CONSTANT='"late"'
    )
    assert process.wait(timeout=60) == 1
