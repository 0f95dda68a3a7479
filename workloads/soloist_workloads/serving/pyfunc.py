"""Any other MLflow model, through mlflow's own loading, checking and scoring. Imports `mlflow`: two seconds, 150 MB."""

from __future__ import annotations

from typing import Any

import mlflow.pyfunc
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server

from soloist_workloads.serving.problem import (
    INVALID_PARAMETER_VALUE,
    RequestProblem,
)
from soloist_workloads.serving.scorer import JSON, Reply, Scorer, parse_content_type
from soloist_workloads.serving.signature import ModelCard, Signature
from soloist_workloads.serving.validity import Watch

# mlflow ships types for some of its functions only.
_invocations: Any = scoring_server.invocations
_status_of: Any = MlflowException.get_http_status_code


class PyfuncScorer(Scorer):
    """Answers are mlflow's by construction; so are the sentences of its errors."""

    def __init__(self, card: ModelCard, model: Any) -> None:
        self._card = card
        self._model = model
        self._schema = model.metadata.get_input_schema()

    @property
    def flavor(self) -> str:
        return self._card.loader.rpartition(".")[2] or "pyfunc"

    @property
    def inputs(self) -> Signature:
        return self._card.inputs

    @property
    def outputs(self) -> Signature:
        return self._card.outputs

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


def load_pyfunc(card: ModelCard, watch: Watch) -> PyfuncScorer:
    model: Any = mlflow.pyfunc.load_model(str(card.folder))
    model.predict = watch.over(
        model.predict
    )  # mlflow's scoring calls it too, and shows nobody what it gave
    return PyfuncScorer(card, model)


def _problem(error: MlflowException) -> RequestProblem:
    return RequestProblem(
        str(error.message),
        status=int(_status_of(error)),
        code=str(error.error_code or INVALID_PARAMETER_VALUE),
    )
