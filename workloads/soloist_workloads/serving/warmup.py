"""The first prediction, made before anyone asks: it pays for lazy imports and proves that the model works."""

from __future__ import annotations

import logging
from time import thread_time
from typing import Any

import numpy as np

from soloist_workloads.serving.problem import ModelProblem, RequestProblem
from soloist_workloads.serving.pyfunc import WorkerScorer
from soloist_workloads.serving.scorer import JSON, MatrixModel, Scorer, call_model
from soloist_workloads.serving.signature import Beyond, Columns, Kind, ModelCard, Nothing, Tensor

LOG = logging.getLogger(__name__)

# What a pod's start may take longer for it.
PACE_SECONDS = 0.02

SAMPLES: dict[Kind, Any] = {
    Kind.BOOLEAN: np.bool_(False),
    Kind.INTEGER: np.int32(0),
    Kind.LONG: np.int64(0),
    Kind.FLOAT: np.float32(0),
    Kind.DOUBLE: np.float64(0),
    Kind.STRING: "",
    Kind.BINARY: b"",
    Kind.DATETIME: np.datetime64("2000-01-01", "ns"),
}


def warm_up(scorer: Scorer, card: ModelCard) -> None:
    """Predict on the model's own example; it must work. A row made from the signature may be refused."""
    if isinstance(scorer, WorkerScorer):
        return  # its process did so before it said that it is ready, and does so each time it starts
    example = card.example.read_bytes() if card.example is not None else None
    _predict_once(scorer, example)
    if scorer.matrix is not None:
        _show_pace(scorer.matrix, example)


def _predict_once(scorer: Scorer, example: bytes | None) -> None:
    if example is not None:
        _predict_example(scorer, example)
        return
    try:
        _predict_sample(scorer)
    except RequestProblem as problem:
        LOG.warning(
            "Warming up without an input example; the model refused a made-up row: %s",
            problem,
        )


def _predict_example(scorer: Scorer, example: bytes) -> None:
    try:
        scorer.invoke(example, JSON)
    except RequestProblem as problem:
        raise ModelProblem(
            f"The model fails on its own input example: {problem.message} Run its step again with an "
            "input_example that it can predict."
        ) from problem


def _predict_sample(scorer: Scorer) -> None:
    """The way that most requests will go; the other one would import pandas for nothing."""
    if scorer.matrix is not None:
        call_model(scorer.matrix.predict, _zeros(scorer.matrix))
        return
    sample = make_sample(scorer)
    if sample is not None:
        scorer.predict(sample)


def _show_pace(matrix: MatrixModel, example: bytes | None) -> None:
    """Predict until the model is known as quick, if it is.

    A version that only stands by would have to show it when the one before it has failed: with hundreds of requests at once,
    of which it would refuse those that a quick model may let wait.
    """
    read = matrix.plan.read_invocation(example) if example is not None else None
    rows, spent = _zeros(matrix) if read is None else read, 0.0
    while not (matrix.pace.is_brief and matrix.pace.is_quick) and spent < PACE_SECONDS:
        began = thread_time()
        try:
            call_model(matrix.predict, rows)
        except RequestProblem:
            return  # a made-up row
        took = thread_time() - began
        matrix.pace.note(took)
        spent += took


def _zeros(matrix: MatrixModel) -> Any:
    return np.zeros((1, len(matrix.plan.names)), matrix.plan.dtype)


def make_sample(scorer: Scorer) -> Any:
    """One row of zeros and empty texts; None when the signature doesn't tell."""
    match scorer.inputs:
        case Columns() as signature:
            import pandas as pd

            return pd.DataFrame(
                {column.name: [SAMPLES[column.kind]] for column in signature.columns}
            )
        case Tensor() as tensor:
            shape = tuple(1 if length == -1 else length for length in tensor.shape)
            return np.zeros(shape, np.dtype(tensor.dtype))
        case Nothing() | Beyond():
            return None
