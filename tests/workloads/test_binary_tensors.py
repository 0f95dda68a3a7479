"""Tensors as bytes behind the JSON: what comes is read exactly, and what doesn't add up is told in bytes."""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from soloist_workloads.serving.app import App
from soloist_workloads.serving.loading import load_scorer
from soloist_workloads.serving.openinference import infer
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.signature import read_card

pytestmark = pytest.mark.asyncio
HEADER = "Inference-Header-Content-Length"
Raw = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def post(make_app: Callable[..., App], connect: Callable[[App], httpx.AsyncClient]) -> Raw:
    async def ask(
        signature: str, request: Any, raw: bytes = b"", header: str | None = "right"
    ) -> httpx.Response:
        text = json.dumps(request).encode()
        headers = {HEADER: str(len(text)) if header == "right" else header} if header else {}
        async with connect(make_app(signature)) as client:
            return await client.post("/v2/models/m/infer", content=text + raw, headers=headers)

    return ask


def binary(name: str, datatype: str, shape: list[int], size: Any) -> dict[str, Any]:
    return {
        "name": name,
        "datatype": datatype,
        "shape": shape,
        "parameters": {"binary_data_size": size},
    }


def lengths(*elements: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(element)) + element for element in elements)


def seen(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    return [eval(text) for text in response.json()["outputs"][0]["data"]]


async def test_numbers_of_every_width_come_as_their_bytes(post: Raw) -> None:
    raws = [
        np.array([True], "?").tobytes(),
        np.array([7], "<i1").tobytes(),
        np.array([2**40], "<i8").tobytes(),
        np.array([0.5], "<f2").tobytes(),
        np.array([0.1], "<f4").tobytes(),
        lengths("żółw".encode()),
        lengths(b"2013-01-31T17:45:00"),
        lengths(b"\xff\0raw"),
    ]
    names = ["flag", "small", "count", "ratio", "score", "name", "time", "blob"]
    datatypes = ["BOOL", "INT8", "INT64", "FP16", "FP32", "BYTES", "BYTES", "BYTES"]
    inputs = [
        binary(name, datatype, [1], len(raw))
        for name, datatype, raw in zip(names, datatypes, raws, strict=True)
    ]
    columns = seen(await post("all", {"inputs": inputs}, b"".join(raws)))
    assert [column["dtype"] for column in columns] == [
        "bool", "int32", "int64", "float32", "float64", "str", "datetime64[ns]", "object",
    ]  # fmt: skip
    assert columns[3]["values"] == ["float 0.5"]
    assert columns[4]["values"] == [f"float {float(np.float32(0.1))!r}"]
    assert columns[5]["values"] == ["str 'żółw'"]
    assert columns[7]["values"] == [r"bytes b'\xff\x00raw'"]


async def test_json_and_bytes_may_be_mixed(post: Raw) -> None:
    a = {"name": "a", "datatype": "FP64", "shape": [2], "data": [1, 2]}
    raw = np.array([3, 4], "<f8").tobytes()
    columns = seen(await post("doubles", {"inputs": [a, binary("b", "FP64", [2], 16)]}, raw))
    assert columns[1]["values"] == ["float 3.0", "float 4.0"]


async def test_one_tensor_of_rows_as_bytes(post: Raw) -> None:
    raw = np.arange(6, dtype="<f8").tobytes()
    (described,) = seen(await post("matrix", {"inputs": [binary("x", "FP64", [2, 3], 48)]}, raw))
    assert described["shape"] == [2, 3]


DOUBLES = [{"name": name, "datatype": "FP64", "shape": [1], "data": [1.5]} for name in ("a", "b")]


@pytest.mark.parametrize(
    ("request_parameters", "outputs", "is_binary"),
    [
        ({"binary_data_output": True}, None, True),
        ({"binary_data_output": False}, None, False),
        ({}, None, False),
        ({}, [{"name": "output-0", "parameters": {"binary_data": True}}], True),
        ({"binary_data_output": True}, [{"name": "output-0"}], True),
        (
            {"binary_data_output": True},
            [{"name": "output-0", "parameters": {"binary_data": False}}],
            False,
        ),
    ],
)
async def test_outputs_come_as_bytes_where_asked(
    request_parameters: dict[str, Any], outputs: Any, is_binary: bool, post: Raw
) -> None:
    request = {"id": "7", "inputs": DOUBLES, "parameters": request_parameters}
    if outputs is not None:
        request["outputs"] = outputs
    response = await post("doubles", request, header=None)
    assert response.status_code == 200
    assert (HEADER in response.headers) is is_binary
    length = int(response.headers.get(HEADER, len(response.content)))
    answer = json.loads(response.content[:length])
    (output,) = answer["outputs"]
    assert answer["id"] == "7"
    assert ("data" in output) is not is_binary
    assert output.get("parameters", {}).get("binary_data_size") == (
        len(response.content) - length if is_binary else None
    )


REFUSED: dict[str, tuple[str, Any, bytes, str | None, str]] = {
    "no header": ("doubles", [binary("a", "FP64", [1], 8)], b"12345678", "", "is not JSON"),
    "no header, no bytes": ("doubles", [binary("a", "FP64", [1], 8)], b"", "", "Input a comes as binary data, but the request has no Inference-Header-Content-Length"),
    "too few bytes for the shape": ("doubles", [binary("a", "FP64", [2], 8)], b"12345678", None, "Input a has 8 bytes of binary data; FP64 of shape [2] takes 16."),
    "fewer than announced": ("doubles", [binary("a", "FP64", [1], 8)], b"1234", None, "Input a announces 8 bytes of binary data, but only 4 of the 4 bytes"),
    "left over": ("doubles", [binary("a", "FP64", [1], 8)], b"123456789", None, "has 9 bytes after its JSON, but its inputs announce 8"),
    "bytes that nobody announced": ("doubles", DOUBLES, b"12", None, "2 bytes after its JSON, but its inputs announce 0"),
    "negative size": ("doubles", [binary("a", "FP64", [1], -8)], b"", None, "Input a has binary_data_size -8"),
    "size in words": ("doubles", [binary("a", "FP64", [1], "8")], b"12345678", None, 'binary_data_size "8"'),
    "size of true": ("doubles", [binary("a", "INT8", [1], True)], b"1", None, "binary_data_size true"),
    "data and bytes": ("doubles", [{**DOUBLES[0], "parameters": {"binary_data_size": 8}}], b"12345678", None, "inputs[0] has both data and binary_data_size"),
    "shared memory": ("doubles", [{**DOUBLES[0], "parameters": {"shared_memory_region": "x"}}], b"", None, "shared memory"),
    "a huge shape": ("doubles", [binary("a", "FP64", [2**40, 2**40], 8)], b"12345678", None, f"takes {8 * 2**80}"),
    "texts cut in a length": ("text", [binary("text", "BYTES", [1], 2)], b"\1\0", None, "Input text ends with 2 of the 4 bytes of a length, after 0 elements"),
    "texts cut in an element": ("text", [binary("text", "BYTES", [1], 6)], b"\x09\0\0\0ab", None, "Input text: element 0 announces 9 bytes, but 2 are left"),
    "too few texts": ("text", [binary("text", "BYTES", [2], 5)], lengths(b"a"), None, "Input text has 1 elements in its 5 bytes; shape [2] needs 2"),
    "no text": ("text", [binary("text", "BYTES", [1], 5)], lengths(b"\xff"), None, "Input text: element 0 of 1 bytes is not UTF-8 text"),
    "header beyond the body": ("doubles", DOUBLES, b"", "99999", "at most the body's"),
    "header of nothing": ("doubles", DOUBLES, b"", "0", 'Inference-Header-Content-Length is "0"'),
    "header in words": ("doubles", DOUBLES, b"", "all", 'Inference-Header-Content-Length is "all"'),
    "header that cuts": ("doubles", DOUBLES, b"", "10", "not JSON"),
    "an input twice": ("doubles", [DOUBLES[0], DOUBLES[0]], b"", None, "Input a comes more than once"),
}  # fmt: skip


@pytest.mark.parametrize("story", REFUSED)
async def test_bytes_that_do_not_add_up_are_told(story: str, post: Raw) -> None:
    signature, inputs, raw, header, expected = REFUSED[story]
    response = await post(signature, {"inputs": inputs}, raw, "right" if header is None else header)
    assert response.status_code == 400
    assert expected in response.json()["error"]


async def test_what_is_not_offered_is_refused(post: Raw) -> None:
    outputs = [{"name": "output-0", "parameters": {"classification": 3}}]
    response = await post("doubles", {"inputs": DOUBLES, "outputs": outputs}, header=None)
    assert response.json() == {
        "error": "Output output-0 asks for classification, which isn't offered."
    }


async def test_spoiled_requests_never_fail_us(mirror: Callable[[str], Path]) -> None:
    """Each is answered, or refused as the request's own fault; anything else is an exception here."""
    scorer = load_scorer(read_card(mirror("optional")))
    random = np.random.default_rng(0)
    raw = np.arange(2, dtype="<f8").tobytes() + lengths(b"ada", b"bob")
    inputs = [binary("score", "FP64", [2], 16), binary("name", "BYTES", [2], 14)]
    text = json.dumps({"inputs": inputs}).encode()
    answered = 0
    for _ in range(150):
        body = bytearray(text + raw)
        for place in random.integers(0, len(body), random.integers(1, 3)):
            body[place] = random.integers(0, 256)
        header = str(len(text) + random.integers(-1, 2) * random.integers(0, 2))
        with contextlib.suppress(RequestProblem):
            infer(bytes(body), scorer, model="m", version="3", header_length=header)
            answered += 1
    assert 0 < answered < 150
