"""The OpenAPI document of one model version. The same model gives the same bytes."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from soloist_workloads.serving.openapi import answers, tensors
from soloist_workloads.serving.openapi.answers import JSON, V1_ERROR, V2_ERROR, answer, problems
from soloist_workloads.serving.openapi.examples import (
    FORMS,
    SPLIT,
    Example,
    as_csv,
    in_forms,
    read_example,
)
from soloist_workloads.serving.openapi.fields import fields, parameters
from soloist_workloads.serving.openapi.forms import (
    CSV,
    PARQUET,
    answer_schema,
    form_schema,
    forms_of,
    row_schema,
    takes_csv,
)
from soloist_workloads.serving.openapi.sides import (
    Schema,
    Spec,
    is_named,
    params_schema,
    parse_side,
)
from soloist_workloads.serving.problem import REFUSALS
from soloist_workloads.serving.signature import ModelCard, Nothing, Signature

LOG = logging.getLogger(__name__)
OPENAPI = "3.1.0"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Model:
    """What the document is made from."""

    name: str
    version: str
    signature: Signature = field(default_factory=Nothing)
    inputs: tuple[Spec, ...] = ()
    outputs: tuple[Spec, ...] = ()
    params: tuple[Spec, ...] = ()
    forms: tuple[str, ...] = FORMS
    example: Example = field(default_factory=Example)


def write_document(card: ModelCard, *, name: str, version: str) -> bytes:
    """Made once per model; ASCII, so that no name in it depends on how it is read."""
    try:
        return _dump(describe(read_model(card, name=name, version=version)))
    except REFUSALS as error:
        LOG.warning(
            "The OpenAPI document goes without the signature, which can't be told: %r", error
        )
        return _dump(describe(Model(name, version)))


def _dump(document: Json) -> bytes:
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")


def read_model(card: ModelCard, *, name: str, version: str) -> Model:
    inputs = parse_side(card.texts.get("inputs"))
    return Model(
        name=name,
        version=version,
        signature=card.inputs,
        inputs=inputs,
        outputs=parse_side(card.texts.get("outputs")),
        params=parse_side(card.texts.get("params")),
        forms=forms_of(card.inputs, inputs, is_hinted=card.is_hinted),
        example=read_example(card.example, inputs),
    )


def describe(model: Model) -> Json:
    path = f"/v2/models/{quote(model.name, safe='')}"
    of_version = f"{path}/versions/{quote(model.version, safe='')}"
    return {
        "openapi": OPENAPI,
        "info": {"title": model.name, "version": model.version, "description": _intro(model)},
        # Beside this document, so that a prefix before both is no matter.
        "servers": [{"url": "."}],
        "security": [{}, {"apiKey": []}, {"bearer": []}],
        "paths": {
            "/invocations": {"post": _invocations(model)},
            **_infer_paths(model, path, of_version),
            **_told_paths(path, of_version),
        },
        "components": {
            "schemas": {**_request(model), **answers.schemas(), **tensors.schemas()},
            "headers": answers.headers(),
            "responses": answers.responses(),
            "securitySchemes": {
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
        # The page's form becomes a dataframe_split.
        "x-soloist-columns": fields(model.inputs, model.example) if SPLIT in model.forms else [],
        "x-soloist-params": parameters(model.params, model.example),
        "x-soloist-body": _first_body(model),
    }


def _intro(model: Model) -> str:
    told = [f"Predictions of the model {model.name}, version {model.version}."]
    if isinstance(model.signature, Nothing):
        told.append(
            "It was logged without a signature, so its columns aren't known: any table or array is passed on to it."
        )
    elif model.example.is_made_up:
        told.append("It has no input example that fits; the values shown are made up.")
    else:
        told.append("The values shown are its input example.")
    return " ".join(told)


def _request(model: Model) -> dict[str, Schema]:
    """What the forms of a request share."""
    is_table = model.inputs and all(spec.get("type") != "tensor" for spec in model.inputs)
    row = {"Row": row_schema(model.inputs)} if is_table and is_named(model.inputs) else {}
    return {**row, **({"Params": params_schema(model.params)} if model.params else {})}


def _invocations(model: Model) -> Json:
    bodies = in_forms(model.example, model.forms)
    schemas = [
        form_schema(form, model.inputs, takes_params=bool(model.params)) for form in model.forms
    ]
    content: Json = {
        JSON: {
            "schema": {"oneOf": schemas} if len(schemas) > 1 else schemas[0],
            "examples": {form: {"value": body} for form, body in bodies.items()},
        }
    }
    if takes_csv(model.signature, model.inputs):
        text = as_csv(model.example.table)
        example = {} if text is None else {"example": text}
        content[CSV] = {"schema": {"type": "string"}, **example}
    if set(model.forms) == set(FORMS):
        content[PARQUET] = {"schema": {"type": "string", "contentMediaType": PARQUET}}
    predictions = {
        "type": "object",
        "required": ["predictions"],
        "properties": {"predictions": answer_schema(model.outputs)},
    }
    sentence = "The predictions, one per row. A number that isn't finite is NaN or Infinity, which strict JSON lacks."
    return {
        "operationId": "invocations",
        "summary": "Predict, in MLflow's form",
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": answer(sentence, {JSON: {"schema": predictions}}),
            **problems(V1_ERROR, "400", "401", "405", "413", "415", "429", "500", "503", "504"),
        },
    }


def _infer_paths(model: Model, path: str, of_version: str) -> Json:
    example = tensors.infer_example(model.signature, model.inputs, model.example)
    content: Json = {"schema": {"$ref": "#/components/schemas/InferRequest"}}
    if example is not None:
        content["example"] = example
    answered = {JSON: {"schema": {"$ref": "#/components/schemas/InferAnswer"}}}
    return {
        f"{at}/infer": {
            "post": {
                "operationId": name,
                "summary": "Predict, in the Open Inference Protocol",
                "requestBody": {
                    "required": True,
                    "content": {JSON: content, "application/octet-stream": {}},
                },
                "responses": {
                    "200": answer("One tensor per output.", answered),
                    **problems(V2_ERROR, "400", "401", "404", "405", "413", "429", "500", "503"),
                    **problems(V2_ERROR, "504"),
                },
            }
        }
        for at, name in ((path, "infer"), (of_version, "inferVersion"))
    }


def _told_paths(path: str, of_version: str) -> Json:
    """What is asked with GET, and what the answer holds."""
    name = {"type": "string"}
    live, ready = {"live": {"type": "boolean"}}, {"ready": {"type": "boolean"}}
    described = {"type": "array", "items": {"$ref": "#/components/schemas/TensorDescription"}}
    metadata = {
        "name": name,
        "versions": {"type": "array", "items": name},
        "platform": name,
        "inputs": described,
        "outputs": described,
    }
    server = {"name": name, "version": name, "extensions": {"type": "array", "items": name}}
    pages: tuple[tuple[str, str, str, Json], ...] = (
        ("/v2", "server", "The server and its extensions", server),
        ("/v2/health/live", "live", "Whether the process lives", live),
        ("/v2/health/ready", "ready", "Whether it takes requests", ready | {"because": name}),
        (path, "model", "The model's tensors", metadata),
        (of_version, "modelVersion", "The version's tensors", metadata),
        (f"{path}/ready", "modelReady", "Whether the model answers", ready | {"name": name}),
        (f"{of_version}/ready", "versionReady", "The same of the version", ready | {"name": name}),
    )
    return {
        at: {"get": _told(operation, summary, properties)}
        for at, operation, summary, properties in pages
    }


def _told(operation: str, summary: str, properties: Json) -> Json:
    schema = {"type": "object", "required": list(properties), "properties": properties}
    # Not ready is an answer of the same shape where readiness is what was asked.
    not_ready = "ready" in properties
    busy = answer("Not ready.", {JSON: {"schema": schema}}) if not_ready else None
    return {
        "operationId": operation,
        "summary": summary,
        "responses": {
            "200": answer(f"{summary}.", {JSON: {"schema": schema}}),
            **problems(V2_ERROR, "401", "404", "405", "429", "503"),
            **({"503": busy} if busy else {}),
        },
    }


def _first_body(model: Model) -> str:
    """A request to begin with, as text: JavaScript would round whole numbers beyond 2^53."""
    bodies: Sequence[Json] = tuple(in_forms(model.example, model.forms).values())
    return json.dumps(bodies[0] if bodies else {model.forms[0]: None}, indent=2)
