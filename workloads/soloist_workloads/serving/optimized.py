"""Answers from the graph that a model was converted to, where the verdict beside it says that both answer alike."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from soloist_workloads.optimize.verdict import FORM, AnswerForm, folder_of, read
from soloist_workloads.serving.flavors.native import Array, Native, Predict, matrix_type
from soloist_workloads.serving.signature import Columns, ModelCard

LOG = logging.getLogger(__name__)

LARGEST = float(np.finfo(np.float32).max)


class Graph:
    """A session that answers a matrix in the form in which the model itself would."""

    def __init__(self, source: bytes | Path, form: AnswerForm) -> None:
        options = onnxruntime.SessionOptions()
        # Requests go side by side already; and sums of one thread have one order, so the same row has one answer.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        given = source if isinstance(source, bytes) else str(source)
        session = onnxruntime.InferenceSession(
            given, sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._run = session.run
        self._input = session.get_inputs()[0].name
        self._entered = np.dtype(form.entered)
        self._outputs, self._shape = [form.output], form.shape
        self._dtype = np.dtype(form.dtype)

    def __call__(self, rows: Array) -> Array:
        entered = rows.astype(self._entered, order="C", copy=False)
        (answer,) = self._run(self._outputs, {self._input: entered})
        shaped: Array = answer.reshape(len(rows), *self._shape).astype(self._dtype, copy=False)
        return shaped


def fits_graph(rows: Array) -> bool:
    """Rows of anything but finite numbers, or none at all, are the model's: it answers or refuses them in its own way.

    So are numbers beyond single precision, which scikit-learn's trees refuse.
    """
    return len(rows) > 0 and bool((np.abs(rows) <= LARGEST).all())


def prefer_graph(card: ModelCard, native: Native) -> Native:
    """The model with its graph before it; the model alone where there is no graph, or it can't be loaded."""
    folder = folder_of(card.folder)
    verdict = read(folder)
    if verdict is None or not verdict.taken or verdict.form is None:
        LOG.info("No graph was taken for %s: the model itself answers.", card.folder)
        return native
    try:
        graph = Graph(folder / verdict.graph, verdict.form)
    except Exception as error:
        LOG.warning("The model itself answers, because its graph can't be loaded: %s", error)
        return native
    if native.predict_matrix is None:
        return native
    return replace(
        native,
        predict=_over_table(graph, native.predict, card),
        predict_matrix=_over_matrix(graph, native.predict_matrix),
        rows_are_apart=False,  # a graph's sums may have another order among other rows
        optimized=FORM,
    )


def _over_matrix(graph: Graph, original: Predict) -> Predict:
    def predict(rows: Array) -> Any:
        return graph(rows) if fits_graph(rows) else original(rows)

    return predict


def _over_table(graph: Graph, original: Predict, card: ModelCard) -> Predict:
    """A table of exactly the signature's columns and type, which is what enforcing the signature makes."""
    assert isinstance(card.inputs, Columns)
    names = [column.name for column in card.inputs.columns]
    dtype = matrix_type(card)

    def predict(given: Any) -> Any:
        if list(getattr(given, "columns", ())) == names and (given.dtypes == dtype).all():
            rows = given.to_numpy()
            if fits_graph(rows):
                return graph(rows)
        return original(given)

    return predict
