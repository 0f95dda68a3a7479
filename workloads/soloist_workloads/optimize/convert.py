"""A scikit-learn model as an ONNX graph of one input and the one output that answers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from soloist_workloads.optimize.probes import has_trees
from soloist_workloads.optimize.verdict import AnswerForm, NotTaken
from soloist_workloads.serving.flavors.native import Array

INPUT = "rows"
METHODS = ("predict", "predict_proba")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A graph that has yet to prove itself."""

    content: bytes
    form: AnswerForm


def convert(model: Any, method: str, sample: Array, answer: Array) -> Iterator[Candidate]:
    """Graphs in the order in which they are likely to answer alike; raises when there is none at all.

    scikit-learn's trees round what they are given to single precision, and skl2onnx rounds their thresholds down to
    it: the same comparison. A graph of double precision takes the other branch beside a threshold. Sums of products,
    the other way round, need double precision.
    """
    if method not in METHODS:
        raise NotTaken(
            f"It answers with {method}; only models that answer with predict or predict_proba are converted."
        )
    reason = ""
    for entered in ("float32", "float64") if has_trees(model) else ("float64", "float32"):
        try:
            yield _convert(model, method, sample, answer, entered)
        except NotTaken:
            raise
        except Exception as error:
            reason = reason or _first_words(error)
    if reason:
        raise NotTaken(f"skl2onnx can't convert {type(model).__name__}: {reason}.")


def _convert(model: Any, method: str, sample: Array, answer: Array, entered: str) -> Candidate:
    try:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
    except ImportError as error:
        raise NotTaken(
            f"This runtime has no {error.name}, which converts models. Choose a runtime that has it."
        ) from error
    tensor = FloatTensorType if entered == "float32" else DoubleTensorType
    is_classifier = hasattr(model, "classes_")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = to_onnx(
            model,
            initial_types=[(INPUT, tensor([None, sample.shape[1]]))],
            options={id(model): {"zipmap": False}} if is_classifier else None,
        )
    names = [output.name for output in graph.graph.output]
    output = names[1] if method == "predict_proba" else names[0]
    form = AnswerForm(entered, output, answer.dtype.str, answer.shape[1:])
    return Candidate(graph.SerializeToString(), form)


def _first_words(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200].rstrip('. ') if lines else 'no reason given'}"


def as_answer(given: Any) -> Array:
    """What a graph can give: one array, no list of them, as models of several outputs answer."""
    if not isinstance(given, np.ndarray):
        raise NotTaken(
            f"It answers with a {type(given).__name__}, not one array; such models aren't converted."
        )
    return given
