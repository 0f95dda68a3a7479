"""A loaded model that answers: what both protocols need from it, whichever way it was loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from soloist_workloads.serving.answer import encode_predictions
from soloist_workloads.serving.matrix import MatrixPlan
from soloist_workloads.serving.pace import Pace
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.signature import Checkable, Columns, ModelCard, Signature

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
READERS = {JSON: "read_json", CSV: "read_csv", PARQUET: "read_parquet"}


@dataclass(slots=True)  # frozen would cost a microsecond for each request
class Reply:
    """An answer before it becomes HTTP."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    is_valid: bool = True
    """Only told by a model's own process; in this one the watch sees the predictions themselves."""


@dataclass(frozen=True, slots=True)
class MatrixModel:
    """A model that answers to plain matrices; `rows_are_apart` when requests may be joined into one."""

    plan: MatrixPlan
    predict: Callable[[np.ndarray[Any, Any]], Any]
    rows_are_apart: bool
    see: Callable[[Any], None]
    """Shows the watch one request's predictions."""
    pace: Pace = field(default_factory=Pace)
    """Whether it has shown that it is quick."""


class Scorer(Protocol):
    """A model behind its signature. Called from worker threads, several at a time."""

    @property
    def flavor(self) -> str:
        """How the model was loaded, for the metrics and the v2 metadata."""

    @property
    def inputs(self) -> Signature:
        """What the model takes."""

    @property
    def outputs(self) -> Signature:
        """What the model gives, as far as its author said."""

    @property
    def matrix(self) -> MatrixModel | None:
        """The short way for requests of nothing but numbers, where the model has one."""
        return None

    def invoke(self, body: bytes, content_type: str) -> Reply:
        """Answer an `/invocations` request; raises `RequestProblem`."""

    def predict(self, given: Any) -> Any:
        """Predict for a table or an array that is held against the signature; raises `RequestProblem`."""


class CardScorer(Scorer):
    """A model of which only mlflow knows more than its card says."""

    def __init__(self, card: ModelCard) -> None:
        self._card = card

    @property
    def flavor(self) -> str:
        return self._card.flavor

    @property
    def inputs(self) -> Signature:
        return self._card.inputs

    @property
    def outputs(self) -> Signature:
        return self._card.outputs


class NativeScorer(Scorer):
    """A model called directly, its signature checked by us.

    The modules that follow MLflow through pandas are imported when the first request needs them: most models of
    numbers never see such a request, and start in half the memory.
    """

    def __init__(
        self,
        flavor: str,
        predict: Callable[[Any], Any],
        inputs: Checkable,
        outputs: Signature,
        *,
        matrix: MatrixModel | None = None,
        optimized: str = "",
    ) -> None:
        self.optimized = optimized
        self._flavor = flavor
        self._predict = predict
        self._inputs = inputs
        self._outputs = outputs
        self._matrix = matrix
        self._read_table = _table_reader(inputs) if matrix is None else None

    @property
    def flavor(self) -> str:
        return self._flavor

    @property
    def inputs(self) -> Signature:
        return self._inputs

    @property
    def outputs(self) -> Signature:
        return self._outputs

    @property
    def matrix(self) -> MatrixModel | None:
        return self._matrix

    def invoke(self, body: bytes, content_type: str) -> Reply:
        media = parse_content_type(content_type)
        if media == JSON and self._matrix is not None:
            rows = self._matrix.plan.read_invocation(body)
            if rows is not None:
                return Reply(encode_predictions(call_model(self._matrix.predict, rows)))
        table = self._read_table(body) if self._read_table and media == JSON else None
        if table is None:
            from soloist_workloads.serving import careful

            table = getattr(careful, READERS[media])(body, self._inputs)
        return Reply(encode_predictions(call_model(self._predict, table)))

    def predict(self, given: Any) -> Any:
        from soloist_workloads.serving import careful

        return call_model(self._predict, careful.enforce(given, self._inputs))


def _table_reader(inputs: Checkable) -> Callable[[bytes], Any] | None:
    from soloist_workloads.serving.plan import compile_plan

    plan = compile_plan(inputs) if isinstance(inputs, Columns) else None
    return plan.read if plan is not None else None


def call_model(predict: Callable[[Any], Any], given: Any) -> Any:
    """The model's answer; whatever it raises is told to the sender, as mlflow does."""
    try:
        return predict(given)
    except Exception as error:
        raise RequestProblem(
            f"The model failed on this input: {type(error).__name__}: {error}. Check that the "
            "request holds what the model was trained on.",
            is_models=True,
        ) from error


def parse_content_type(text: str) -> str:
    """The media type, when it is one that we read; 415 otherwise, as MLflow."""
    if text == JSON:  # as nearly all are
        return JSON
    media, *parameters = (part.strip() for part in (text or JSON).split(";"))
    if media not in READERS:
        raise RequestProblem(
            f"Content type {media} is not understood. Send one of {', '.join(READERS)}.",
            status=415,
        )
    for parameter in filter(None, parameters):
        name, _, value = parameter.partition("=")
        if name != "charset" or value.lower() != "utf-8":
            raise RequestProblem(
                f"Content type parameter {parameter} is not understood. Send UTF-8.",
                status=415,
            )
    return media
