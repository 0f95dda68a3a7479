"""A loaded model that answers: what both protocols need from it, whichever way it was loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from soloist_workloads.serving import careful
from soloist_workloads.serving.answer import encode_predictions
from soloist_workloads.serving.enforce import Checkable, ModelInput
from soloist_workloads.serving.plan import Plan, compile_plan
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.signature import Columns, Signature

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
READERS: dict[str, Callable[[bytes, Checkable], ModelInput]] = {
    JSON: careful.read_json,
    CSV: careful.read_csv,
    PARQUET: careful.read_parquet,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it becomes HTTP."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


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

    def invoke(self, body: bytes, content_type: str) -> Reply:
        """Answer an `/invocations` request; raises `RequestProblem`."""

    def predict(self, given: Any) -> Any:
        """Predict for a table or an array that is held against the signature; raises `RequestProblem`."""


class NativeScorer(Scorer):
    """A model called directly, its signature checked by us."""

    def __init__(
        self,
        flavor: str,
        predict: Callable[[Any], Any],
        inputs: Checkable,
        outputs: Signature,
    ) -> None:
        self._flavor = flavor
        self._predict = predict
        self._inputs = inputs
        self._outputs = outputs
        self._plan: Plan | None = compile_plan(inputs) if isinstance(inputs, Columns) else None

    @property
    def flavor(self) -> str:
        return self._flavor

    @property
    def inputs(self) -> Signature:
        return self._inputs

    @property
    def outputs(self) -> Signature:
        return self._outputs

    def invoke(self, body: bytes, content_type: str) -> Reply:
        media = parse_content_type(content_type)
        planned = self._plan.read(body) if self._plan and media == JSON else None
        given = READERS[media](body, self._inputs) if planned is None else planned
        return Reply(encode_predictions(self._call(given)))

    def predict(self, given: Any) -> Any:
        return self._call(careful.enforce(given, self._inputs))

    def _call(self, given: ModelInput) -> Any:
        try:
            return self._predict(given)
        except Exception as error:
            raise RequestProblem(
                f"The model failed on this input: {type(error).__name__}: {error}. Check that the "
                "request holds what the model was trained on.",
                is_models=True,
            ) from error


def parse_content_type(text: str) -> str:
    """The media type, when it is one that we read; 415 otherwise, as MLflow."""
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
