"""ONNX: onnxruntime straight from the model's file; neither mlflow nor the `onnx` package is needed to answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime

from soloist_workloads.processors import count_processors
from soloist_workloads.serving.answer import Records
from soloist_workloads.serving.flavors.native import Array, Deserialize, Native, matrix_type
from soloist_workloads.serving.signature import ModelCard

FLOAT = "tensor(float)"
MODES = {
    "SEQUENTIAL": onnxruntime.ExecutionMode.ORT_SEQUENTIAL,
    "PARALLEL": onnxruntime.ExecutionMode.ORT_PARALLEL,
}


def load(card: ModelCard, deserialize: Deserialize) -> Native:  # noqa: ARG001 - all flavors are called alike
    flavor = card.flavors["onnx"]
    session = onnxruntime.InferenceSession(
        str(card.folder / flavor["data"]),
        sess_options=_options(flavor.get("onnx_session_options") or {}),
        providers=_providers(flavor.get("providers")),
    )
    model = OnnxModel(session)
    matrix = model.predict_matrix if matrix_type(card) is not None and model.has_one_input else None
    # A call costs microseconds, so there is little to win by joining rows, and its matrix products aren't equal then.
    return Native("onnx", model.predict, matrix, rows_are_apart=False)


class OnnxModel:
    """A session, fed as mlflow feeds it."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._run = session.run
        self._inputs = tuple((given.name, given.type) for given in session.get_inputs())
        self._outputs = [output.name for output in session.get_outputs()]

    @property
    def has_one_input(self) -> bool:
        return len(self._inputs) == 1

    def predict(self, given: Any) -> Any:
        """For a table, a table of the outputs, each flat; for an array, the outputs by their names."""
        if not hasattr(given, "columns"):
            if not self.has_one_input:
                names = ", ".join(name for name, _ in self._inputs)
                raise ValueError(f"the model takes several inputs ({names}), not one array")
            return self._answer({self._inputs[0][0]: given})
        if self.has_one_input:
            return self._tabulate(self._answer({self._inputs[0][0]: given.to_numpy()}))
        feed = {name: given[name].to_numpy() for name, _ in self._inputs}
        return self._tabulate(self._answer(feed))

    def predict_matrix(self, rows: Array) -> Any:
        """As `predict` for a table, but without one wherever the outputs are plain columns."""
        answer = self._answer({self._inputs[0][0]: rows})
        columns = {name: np.asarray(output).reshape(-1) for name, output in answer.items()}
        wanted = len(rows)
        if all(len(column) == wanted and column.dtype != object for column in columns.values()):
            return Records(columns)
        return self._tabulate(answer)

    def _answer(self, feed: dict[str, Any]) -> dict[str, Any]:
        for name, kind in self._inputs:
            if kind == FLOAT and feed[name].dtype == np.float64:
                feed[name] = feed[name].astype(np.float32)
        return dict(zip(self._outputs, self._run(self._outputs, feed), strict=True))

    @staticmethod
    def _tabulate(answer: Mapping[str, Any]) -> Any:
        import pandas as pd

        return pd.DataFrame(
            {name: np.asarray(output).reshape(-1) for name, output in answer.items()}
        )


def _options(wanted: Mapping[str, Any]) -> onnxruntime.SessionOptions:
    """The model's own options, as mlflow reads them; its number of threads otherwise is the container's, not the node's."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = wanted.get("intra_op_num_threads") or count_processors()
    if inter := wanted.get("inter_op_num_threads"):
        options.inter_op_num_threads = inter
    if (mode := str(wanted.get("execution_mode", "")).upper()) in MODES:
        options.execution_mode = MODES[mode]
    if level := wanted.get("graph_optimization_level"):
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel(level)
    # Threads that spin while they wait take the time of those that they wait for.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    for key, value in (wanted.get("extra_session_config") or {}).items():
        options.add_session_config_entry(key, value)
    return options


def _providers(declared: Any) -> list[Any]:
    """Those of the declared providers that this build of onnxruntime has; the CPU when none is left."""
    available = set(onnxruntime.get_available_providers())
    entries = [declared] if isinstance(declared, str) else declared or []
    named = [tuple(entry) if isinstance(entry, list) else entry for entry in entries]
    usable = [
        entry for entry in named if (entry if isinstance(entry, str) else entry[0]) in available
    ]
    return usable or ["CPUExecutionProvider"]
