"""The Open Inference Protocol v2 in JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from soloist_workloads.serving.app import App

pytestmark = pytest.mark.asyncio
Infer = Callable[[str, Any], Awaitable[httpx.Response]]


def tensor(
    name: str, datatype: str, data: list[Any], shape: list[int] | None = None
) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}


def seen(response: httpx.Response) -> list[dict[str, Any]]:
    """The mirror answers one description per column, as one BYTES output of JSON-like texts."""
    assert response.status_code == 200, response.text
    return [eval(text) for text in response.json()["outputs"][0]["data"]]


async def test_one_tensor_per_column(infer: Infer) -> None:
    response = await infer(
        "doubles", {"inputs": [tensor("b", "FP32", [1.5]), tensor("a", "INT64", [7], [1, 1])]}
    )
    assert [column["name"] for column in seen(response)] == ["a", "b"]
    assert {column["dtype"] for column in seen(response)} == {"float64"}


async def test_one_tensor_of_rows(infer: Infer) -> None:
    body = {"inputs": [tensor("input-0", "FP64", [1, 2, 3, 4], [2, 2])]}
    columns = seen(await infer("doubles", body))
    assert [column["values"] for column in columns] == [
        ["float 1.0", "float 3.0"],
        ["float 2.0", "float 4.0"],
    ]


async def test_nested_data_is_the_same_as_flat(infer: Infer) -> None:
    nested = {"inputs": [tensor("x", "FP64", [[1, 2], [3, 4]], [2, 2])]}
    flat = {"inputs": [tensor("x", "FP64", [1, 2, 3, 4], [2, 2])]}
    assert seen(await infer("doubles", nested)) == seen(await infer("doubles", flat))


async def test_every_type_becomes_the_columns_own(infer: Infer) -> None:
    body = {
        "inputs": [
            tensor("flag", "BOOL", [True]),
            tensor("small", "INT8", [7]),
            tensor("count", "INT64", [2**40]),
            tensor("ratio", "FP32", [0.5]),
            tensor("score", "FP64", [None]),
            tensor("name", "BYTES", ["ada"]),
            tensor("time", "BYTES", ["2013-01-31T17:45:00"]),
            tensor("blob", "BYTES", ["aGVsbG8="]),
        ]
    }
    columns = seen(await infer("all", body))
    assert [column["dtype"] for column in columns] == [
        "bool", "int32", "int64", "float32", "float64", "str", "datetime64[ns]", "object",
    ]  # fmt: skip
    assert columns[4]["values"] == ["float nan"]
    assert columns[7]["values"] == ["bytes b'hello'"]


async def test_a_tensor_signature_takes_any_name(infer: Infer) -> None:
    body = {"inputs": [tensor("whatever", "FP32", [1, 2, 3], [1, 3])]}
    (described,) = seen(await infer("matrix", body))
    assert described["dtype"] == "float64"
    assert described["shape"] == [1, 3]


async def test_id_is_echoed_and_parameters_are_passed_over(infer: Infer) -> None:
    body = {
        "id": "42",
        "parameters": {"content_type": "pd", "whatever": 1},
        "inputs": [{**tensor("x", "FP64", [1, 2], [1, 2]), "parameters": {"content_type": "np"}}],
    }
    answer = (await infer("doubles", body)).json()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("42", "m", "3")


async def test_only_requested_outputs_are_given(infer: Infer) -> None:
    inputs = [tensor("x", "FP64", [1, 2], [1, 2])]
    chosen = await infer("doubles", {"inputs": inputs, "outputs": [{"name": "output-0"}]})
    assert [output["name"] for output in chosen.json()["outputs"]] == ["output-0"]
    unknown = await infer("doubles", {"inputs": inputs, "outputs": [{"name": "x"}]})
    assert unknown.json() == {"error": "There is no output x. The model gives output-0."}


REFUSED: dict[str, tuple[str, Any, str]] = {
    "not an object": ("doubles", [1], '"inputs"'),
    "no inputs": ("doubles", {}, '"inputs"'),
    "empty inputs": ("doubles", {"inputs": []}, "empty"),
    "no shape": ("doubles", {"inputs": [{"name": "a", "datatype": "FP64", "data": [1]}]}, "no shape"),
    "unknown datatype": ("doubles", {"inputs": [tensor("a", "FP8", [1])]}, "FP8"),
    "shape that does not fit": ("doubles", {"inputs": [tensor("a", "FP64", [1, 2], [3])]}, "shape [3]"),
    "negative shape": ("doubles", {"inputs": [tensor("a", "FP64", [1], [-1])]}, "shape [-1]"),
    "text in a number": ("doubles", {"inputs": [tensor("a", "FP64", ["x"])]}, "Input a is no FP64"),
    "text for a number": ("doubles", {"inputs": [tensor("a", "BYTES", ["x"]), tensor("b", "FP64", [1])]}, "Column a must be double"),
    "missing column": ("doubles", {"inputs": [tensor("a", "FP64", [1])]}, "b (double)"),
    "unequal lengths": ("doubles", {"inputs": [tensor("a", "FP64", [1]), tensor("b", "FP64", [1, 2])]}, "differ"),
    "floats for a whole number": ("longs", {"inputs": [tensor("a", "FP64", [1]), tensor("b", "INT32", [1])]}, "Column a must be long"),
    "rows too narrow": ("doubles", {"inputs": [tensor("x", "FP64", [1], [1, 1])]}, "[rows, 2]"),
    "matrix of the wrong shape": ("matrix", {"inputs": [tensor("x", "FP64", [1, 2], [1, 2])]}, "[any, 3]"),
    "two tensors for a matrix": ("matrix", {"inputs": [tensor("x", "FP64", [1]), tensor("y", "FP64", [1])]}, "one tensor"),
    "not base64": ("all", {"inputs": [tensor("blob", "BYTES", ["a"])]}, "Column blob must be binary"),
}  # fmt: skip


@pytest.mark.parametrize("story", REFUSED)
async def test_a_request_that_does_not_fit_is_told_why(story: str, infer: Infer) -> None:
    signature, body, expected = REFUSED[story]
    response = await infer(signature, body)
    assert response.status_code == 400
    assert expected in response.json()["error"]


async def test_metadata_tells_names_shapes_and_datatypes(
    make_app: Callable[..., App], connect: Callable[[App], httpx.AsyncClient]
) -> None:
    async with connect(make_app("all")) as client:
        described = (await client.get("/v2/models/m")).json()
        same = (await client.get("/v2/models/m/versions/3")).json()
    assert described == same
    assert described["platform"] == "mlflow_sklearn"
    assert [column["datatype"] for column in described["inputs"]] == [
        "BOOL", "INT32", "INT64", "FP32", "FP64", "BYTES", "BYTES", "BYTES",
    ]  # fmt: skip
