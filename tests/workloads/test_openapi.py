"""The OpenAPI document: valid, the same each time, and every example in it is answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import Array, Map, Object, Property
from openapi_spec_validator import OpenAPIV31SpecValidator

from soloist_workloads.environment import parse_serving
from soloist_workloads.serving.app import App
from soloist_workloads.serving.lane import Lane
from soloist_workloads.serving.metrics import Metrics
from soloist_workloads.serving.openapi.document import write_document
from soloist_workloads.serving.signature import Beyond, ModelCard, parse_schema, read_card
from soloist_workloads.serving.start import start_model
from soloist_workloads.serving.state import State
from tests.workloads.models import COLUMNS, SIGNATURES, make_mirror, save_model

Connect = Callable[[App], httpx.AsyncClient]
WORDS = st.sampled_from(
    ["name", "type", "required", "tensor", "tensor-spec", "dtype", "shape", "double", "array", "items", "object", "properties",
     "map", "values", "inputs", "dataframe_split", "columns", "data", "default", "float64", "uint8", "params"]
)  # fmt: skip

SPLIT = {"dataframe_split": {"columns": ["b", "a"], "data": [[2.5, 2**53 + 1], [None, 7]]}}
HOSTILE = [
    "<script>alert(1)</script>", "</script>", "\"'`${x}", "a" * 3000, "żółw 🐢", "\u2028", "{name}", "__proto__", "7", "$ref",
]  # fmt: skip


def card_of(
    *,
    inputs: Any = None,
    outputs: Any = None,
    params: Any = None,
    example: Path | None = None,
    is_hinted: bool = False,
) -> ModelCard:
    texts = {
        side: given if given is None or isinstance(given, str) else json.dumps(given)
        for side, given in (("inputs", inputs), ("outputs", outputs), ("params", params))
    }
    return ModelCard(
        folder=Path("m"),
        flavors={},
        inputs=Beyond() if is_hinted else parse_schema(texts["inputs"]),
        outputs=parse_schema(texts["outputs"]),
        has_params=bool(params),
        example=example,
        texts=texts,
        is_hinted=is_hinted,
    )


def document_of(card: ModelCard, *, name: str = "m", version: str = "3") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(write_document(card, name=name, version=version))
    return document


def valid_document_of(card: ModelCard, **identity: str) -> dict[str, Any]:
    """The validator takes a second, so not every test asks it."""
    document = document_of(card, **identity)
    OpenAPIV31SpecValidator(document).validate()
    return document


def check(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    """Hold a value against a schema of the document, whose references point into it."""
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(
        value
    )


def content(document: dict[str, Any], path: str = "/invocations") -> dict[str, Any]:
    media: dict[str, Any] = document["paths"][path]["post"]["requestBody"]["content"]
    return media


def examples(document: dict[str, Any]) -> Iterator[tuple[str, bytes, str]]:
    """Path, body and content type of every example."""
    for media, held in content(document).items():
        for one in held.get("examples", {}).values():
            yield "/invocations", json.dumps(one["value"]).encode(), media
        if "example" in held:
            yield "/invocations", held["example"].encode(), media
    for path in ("/v2/models/m/infer", "/v2/models/m/versions/3/infer"):
        (held, _) = content(document, path).values()
        if "example" in held:
            yield path, json.dumps(held["example"]).encode(), "application/json"


async def ask_every_example(app: App, connect: Connect, least: int) -> dict[str, Any]:
    async with connect(app) as client:
        document: dict[str, Any] = (await client.get("/openapi.json")).json()
        OpenAPIV31SpecValidator(document).validate()
        asked = list(examples(document))
        for path, body, media in asked:
            answer = await client.post(path, content=body, headers={"content-type": media})
            assert answer.status_code == 200, (path, body, answer.text)
            if media == "application/json":
                check(json.loads(body), content(document, path)[media]["schema"], document)
                told = document["paths"][path]["post"]["responses"]["200"]["content"][media][
                    "schema"
                ]
                check(answer.json(), told, document)
    assert len(asked) >= least
    return document


def started(folder: Path) -> App:
    """As a pod starts it."""
    settings = parse_serving(
        {
            "SOLOIST_MODEL_DIR": str(folder),
            "SOLOIST_MODEL_NAME": "m",
            "SOLOIST_MODEL_VERSION": "3",
            "SOLOIST_PORT": "1",
            "SOLOIST_ALLOW_PICKLE": "1",
        }
    )
    state = State()
    start_model(settings, state, Metrics(model="m", version="3"))
    return App(name="m", version="3", state=state, lane=Lane(threads=1))


@pytest.mark.parametrize(
    ("signature", "least"),
    [
        ("all", 4 + 2), ("plain", 4 + 1 + 2), ("optional", 4 + 1 + 2), ("doubles", 4 + 1 + 2), ("longs", 4 + 1 + 2),
        ("text", 4 + 1 + 2), ("nameless", 1 + 2), ("matrix", 2 + 2), ("vector", 2 + 2), ("image", 2 + 2), ("unsigned", 0),
    ],
)  # fmt: skip
async def test_examples_made_up_from_a_signature_are_answered(
    signature: str, least: int, mirror: Callable[[str], Path], connect: Connect
) -> None:
    document = await ask_every_example(started(mirror(signature)), connect, least)
    assert "made up" in document["info"]["description"] or signature == "unsigned"


@pytest.mark.parametrize(
    ("story", "example"),
    [
        ("split", SPLIT),
        ("records", {"dataframe_records": [{"a": 2**53 + 1, "b": 2.5}, {"a": 7, "b": None, "c": 1}]}),
        ("columns", {"inputs": {"b": [2.5, None], "a": [2**53 + 1, 7]}}),
        ("rows", {"instances": [{"a": 2**53 + 1, "b": 2.5}]}),
    ],
)  # fmt: skip
async def test_an_authors_example_is_told_in_every_form(
    story: str, example: dict[str, Any], tmp_path: Path, connect: Connect
) -> None:
    schema = Schema(
        [ColSpec("long", "a"), ColSpec("double", "b"), ColSpec("string", "c", required=False)]
    )
    folder = save(tmp_path / "m", schema)
    give_example(folder, example)
    document = await ask_every_example(started(folder), connect, 4 + 1 + 2)
    forms = content(document)["application/json"]["examples"]
    assert [form["value"][name] for name, form in forms.items()][1][0] == {"a": 2**53 + 1, "b": 2.5}
    assert document["x-soloist-columns"][0]["value"] == str(2**53 + 1)
    assert str(2**53 + 1) in document["x-soloist-body"]
    assert "made up" not in document["info"]["description"]


def save(folder: Path, schema: Schema | None, params: ParamSchema | None = None) -> Path:
    signature = ModelSignature(inputs=schema, params=params) if schema or params else None
    mlflow.sklearn.save_model(
        make_mirror(),
        folder,
        signature=signature,
        serialization_format="cloudpickle",
        pip_requirements=[],
    )
    return folder


def give_example(folder: Path, example: dict[str, Any]) -> None:
    (folder / "example.json").write_text(json.dumps(example))
    with (folder / "MLmodel").open("a") as card:
        card.write("\nsaved_input_example_info:\n  serving_input_path: example.json\n")


async def test_a_real_models_answer_is_as_promised(tmp_path: Path, connect: Connect) -> None:
    from sklearn.linear_model import LinearRegression

    table = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0]})
    model = LinearRegression().fit(table, [1.0, 2.0])
    signature = mlflow.models.infer_signature(table, model.predict(table))
    folder = tmp_path / "m"
    mlflow.sklearn.save_model(model, folder, signature=signature, pip_requirements=[])
    give_example(folder, {"dataframe_split": {"columns": ["a", "b"], "data": [[1.0, 3.0]]}})
    document = await ask_every_example(started(folder), connect, 7)
    assert document["x-soloist-columns"][1] == {
        "name": "b", "type": "double", "required": True, "nullable": True, "value": "3.0",
    }  # fmt: skip


PARAMS = ParamSchema(
    [
        ParamSpec("depth", "long", 3),
        ParamSpec("words", "string", ["a"], shape=(-1,)),
        ParamSpec("cut", "double", 0.5),
    ]
)


def test_parameters_have_their_types_and_defaults() -> None:
    document = valid_document_of(
        card_of(inputs=SIGNATURES["doubles"].to_json(), params=PARAMS.to_json())  # type: ignore[union-attr] # it has one
    )
    schema = content(document)["application/json"]["schema"]
    assert document["components"]["schemas"]["Params"]["properties"] == {
        "depth": {"type": "integer", "format": "int64", "default": 3},
        "words": {"type": "array", "items": {"type": ["string", "null"]}, "default": ["a"]},
        "cut": {"type": ["number", "null"], "format": "double", "default": 0.5},
    }
    for form in schema["oneOf"]:
        assert form["properties"]["params"] == {"$ref": "#/components/schemas/Params"}
    request = {"dataframe_records": [{"a": 1, "b": 2}], "params": {"depth": 4, "words": ["b"]}}
    check(request, schema, document)
    with pytest.raises(jsonschema.ValidationError):
        check(request | {"params": {"depth": "4"}}, schema, document)
    assert [(one["name"], one["type"]) for one in document["x-soloist-params"]] == [
        ("depth", "long"), ("words", "string[]"), ("cut", "double"),
    ]  # fmt: skip


async def test_an_example_with_parameters_is_answered_with_them(
    tmp_path: Path, connect: Connect
) -> None:
    folder = save_model(tmp_path / "m", "tuned")
    give_example(folder, {"inputs": {"a": [1.0], "b": [2.0]}, "params": {"depth": 5}})
    app = started(folder)
    document = await ask_every_example(app, connect, 4 + 1 + 2)
    (depth, *_) = document["x-soloist-params"]
    assert (depth["name"], depth["value"], depth["default"]) == ("depth", "5", "3")
    async with connect(app) as client:
        answer = await client.post("/invocations", content=document["x-soloist-body"])
    assert answer.json()["predictions"][0]["depth"] == "int 5"


@pytest.mark.parametrize(
    "kind", [kind for kind in COLUMNS.values() if kind not in ("boolean", "binary")]
)
async def test_a_column_may_be_null_exactly_where_the_document_says_so(
    kind: str, tmp_path: Path, connect: Connect
) -> None:
    """Not asked of booleans, whose null MLflow reads as false, and of bytes, where its forms differ."""
    app = started(save(tmp_path / "m", Schema([ColSpec(kind, "x")])))
    async with connect(app) as client:
        document = (await client.get("/openapi.json")).json()
        answers = [
            (await client.post("/invocations", json=body)).status_code
            for body in ({"dataframe_records": [{"x": None}]}, {"inputs": {"x": [None]}})
        ]
    nullable = document["x-soloist-columns"][0]["nullable"]
    assert (
        "null" in document["components"]["schemas"]["Row"]["properties"]["x"]["type"]
    ) == nullable
    assert answers == ([200, 200] if nullable else [400, 400])


def test_what_a_request_must_hold() -> None:
    schema = Schema([ColSpec("double", "score"), ColSpec("string", "name", required=False)])
    document = document_of(card_of(inputs=schema.to_json()))
    whole = content(document)["application/json"]["schema"]
    for good in (
        {"dataframe_records": [{"score": 1}]},
        {"dataframe_records": [{"score": None, "name": "a", "more": 1}]},
        {"dataframe_split": {"columns": ["more", "score"], "data": [[1, 2]]}},
        {"instances": [{"score": 1}]},
        {"inputs": {"score": [1, 2]}},
        {"inputs": [{"score": 1}]},
    ):
        check(good, whole, document)
    for bad in (
        {},
        {"dataframe_records": [{"name": "a"}]},
        {"dataframe_records": [{"score": "high"}]},
        {"dataframe_split": {"columns": ["name"], "data": [["a"]]}},
        {"inputs": {"name": ["a"]}},
        {"instances": [{"score": 1}], "inputs": [{"score": 1}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            check(bad, whole, document)


def test_nested_types_and_several_tensors_are_told() -> None:
    nested = Schema(
        [
            ColSpec(Array(Object([Property("x", Array(DataType.double))])), "points"),
            ColSpec(Map(DataType.string), "labels", required=False),
        ]
    )
    row = valid_document_of(card_of(inputs=nested.to_json()))["components"]["schemas"]["Row"]
    assert row["required"] == ["points"]
    point = row["properties"]["points"]["items"]
    assert point["required"] == ["x"]
    assert point["properties"]["x"]["items"] == {"type": ["number", "null"], "format": "double"}
    assert row["properties"]["labels"]["additionalProperties"] == {"type": ["string", "null"]}
    tensors = Schema(
        [TensorSpec(np.dtype("float32"), (-1, 2), "a"), TensorSpec(np.dtype("uint8"), (-1,), "b")]
    )
    document = valid_document_of(card_of(inputs=tensors.to_json()))
    form = content(document)["application/json"]["schema"]["oneOf"][0]["properties"]["inputs"]
    assert form["required"] == ["a", "b"]
    assert form["properties"]["a"]["items"] == {
        "type": "array", "items": {"type": ["number", "null"]}, "minItems": 2, "maxItems": 2,
    }  # fmt: skip


def test_type_hints_take_inputs_alone() -> None:
    document = document_of(card_of(inputs=SIGNATURES["doubles"].to_json(), is_hinted=True))  # type: ignore[union-attr] # it has one
    assert content(document)["application/json"]["schema"]["required"] == ["inputs"]
    assert list(content(document)) == ["application/json"]
    assert document["x-soloist-columns"] == [], "the page's form would send a dataframe_split"


def test_a_hostile_name_is_a_name() -> None:
    columns = [{"name": one, "type": "double", "required": True} for one in HOSTILE]
    params = [{"name": one, "type": "string", "default": one, "shape": None} for one in HOSTILE]
    card = card_of(inputs=columns, outputs=columns, params=params)
    name = "".join(HOSTILE)
    document = valid_document_of(card, name=name, version=name)
    assert [one["name"] for one in document["x-soloist-columns"]] == HOSTILE
    assert list(document["components"]["schemas"]["Row"]["properties"]) == HOSTILE
    assert document["info"]["title"] == name
    assert not any("{" in path for path in document["paths"]), "that would be a parameter"


@pytest.mark.parametrize(
    "example",
    [
        "", "{", "null", "[]", "{}", '{"inputs": null}', '{"inputs": [[1]]}', '{"dataframe_split": 5}', '{"dataframe_records": [1]}',
        '{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}', '{"dataframe_split": {"columns": 5, "data": [[1, 2]]}}',
        '{"inputs": {"a": [], "b": []}}', '{"inputs": {"a": 1, "b": 2}}', '{"inputs": [], "instances": []}',
        '{"inputs": [{"a": NaN, "b": 1e999}]}', "[" * 100_000, '{"inputs": [{"a": 1}, 2]}', '{"inputs": [{"a": "\\ud800", "b": 1}]}',
        '{"dataframe_records": [{"a": 1, "b": 2}], "params": 5}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("signature", ["doubles", "nameless", "matrix", "unsigned"])
def test_an_odd_example_keeps_no_model_from_being_described(
    example: str, signature: str, tmp_path: Path
) -> None:
    file = tmp_path / "example.json"
    file.write_text(example)
    schema = SIGNATURES[signature]
    document = document_of(card_of(inputs=schema.to_json() if schema else None, example=file))
    whole = content(document)["application/json"]
    if signature == "doubles":
        assert set(whole["examples"]) == {
            "dataframe_split", "dataframe_records", "instances", "inputs",
        }  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | WORDS, inner),
    max_leaves=20,
)
SPECS = st.lists(st.dictionaries(WORDS, JSON | WORDS)) | JSON


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(inputs=SPECS, outputs=SPECS, params=SPECS, example=JSON)
def test_whatever_a_card_holds_it_is_described(
    inputs: Any, outputs: Any, params: Any, example: Any, tmp_path: Path
) -> None:
    file = tmp_path / "example.json"
    file.write_text(json.dumps(example))
    texts = {
        "inputs": json.dumps(inputs),
        "outputs": json.dumps(outputs),
        "params": json.dumps(params),
    }
    try:
        signature = parse_schema(texts["inputs"])
    except (ValueError, TypeError, LookupError, AttributeError):
        signature = Beyond()  # such a card is refused; the document stands without that
    card = replace(card_of(example=file), inputs=signature, texts=texts)
    assert document_of(card)["openapi"] == "3.1.0"


def test_an_example_of_megabytes_is_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "example.json"
    file.write_text(json.dumps({"inputs": [{"a": 1.0, "b": 2.0}] * 30_000}))
    card = card_of(inputs=SIGNATURES["doubles"].to_json(), example=file)  # type: ignore[union-attr] # it has one
    assert len(write_document(card, name="m", version="1")) < 40_000


def test_a_type_without_an_end_ends_and_a_thing_that_is_no_type_is_anything() -> None:
    deep: dict[str, Any] = {"type": "double"}
    for _ in range(300):
        deep = {"type": "array", "items": deep}
    odd = {"type": "object", "properties": {"x": 5, "y": {"type": ["a"]}}}
    columns = [{**deep, "name": "deep"}, {**odd, "name": "odd"}, {"type": "any", "name": "any"}]
    row = document_of(card_of(inputs=columns))["components"]["schemas"]["Row"]["properties"]
    assert json.dumps(row["deep"]).count("array") == 17
    assert row["odd"]["properties"] == {"x": {}, "y": {}}
    assert row["any"] == {}


def test_the_same_model_gives_the_same_bytes_in_every_process(
    mirror: Callable[[str], Path],
) -> None:
    folder = mirror("all")
    code = (
        "import sys; from pathlib import Path\n"
        "from soloist_workloads.serving.openapi.document import write_document\n"
        "from soloist_workloads.serving.signature import read_card\n"
        "sys.stdout.buffer.write(write_document(read_card(Path(sys.argv[1])), name='m', version='3'))"
    )
    written = [
        subprocess.run(
            [sys.executable, "-c", code, str(folder)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "workloads"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert written == [write_document(read_card(folder), name="m", version="3")] * 2


async def test_before_the_model_is_loaded_the_document_is_not_there_and_the_page_is(
    make_app: Callable[..., App], connect: Connect
) -> None:
    async with connect(make_app(None)) as client:
        answer = await client.get("/openapi.json")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "loading" in answer.json()["error"]
        assert (await client.get("/docs")).status_code == 200
        assert (await client.post("/openapi.json")).status_code == 405
