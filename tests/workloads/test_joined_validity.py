"""Invalid answers are counted once per request, whichever way the requests went to the model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import orjson
import pytest

from soloist_workloads.serving.answer import Records
from soloist_workloads.serving.answerer import V1, V2, Answerer, Question
from soloist_workloads.serving.matrix import compile_matrix_plan
from soloist_workloads.serving.metrics import Metrics
from soloist_workloads.serving.scorer import MatrixModel, NativeScorer, Reply
from soloist_workloads.serving.signature import Column, Columns, Kind, Signature, Tensor
from soloist_workloads.serving.validity import Watch, fits, is_finite

ONE = Columns((Column("a", Kind.DOUBLE),), named=True)
BOTH = Columns((Column("label", Kind.LONG), Column("score", Kind.FLOAT)), named=True)


class Served:
    """A logarithm behind the signature: invalid for zero and below, an error beyond a thousand."""

    def __init__(self, *, rows_are_apart: bool = True, outputs: Signature | None = None) -> None:
        self.calls: list[int] = []
        self.told: list[int] = []
        watch = Watch(outputs or Tensor("float64", (-1,)))
        watch.tell = lambda: self.told.append(1)
        matrix = MatrixModel(
            compile_matrix_plan(ONE, np.dtype("float64")), self.predict, rows_are_apart, watch.see
        )
        predict = watch.over(lambda table: self.predict(table.to_numpy()))
        scorer = NativeScorer("log", predict, ONE, Tensor("float64", (-1,)), matrix=matrix)
        self._answerer = Answerer(scorer, Metrics(model="m", version="1"), model="m", version="1")

    def predict(self, rows: Any) -> Any:
        self.calls.append(len(rows))
        if (rows > 1000).any():
            raise ValueError("too large")
        with np.errstate(all="ignore"):
            return np.log(rows[:, 0])

    def ask(self, *questions: Question) -> list[int]:
        """The status of each answer, asked together; 0 for an error."""
        self.told.clear()
        outcomes = self._answerer.answer(questions)
        return [outcome.status if isinstance(outcome, Reply) else 0 for outcome in outcomes]


def v1(*values: float | None, media: str = "application/json", repeated: bool = False) -> Question:
    body = orjson.dumps({"inputs": {"a": values}})
    return Question(V1, body, media, is_repeated=repeated)


def v2(*values: float) -> Question:
    tensor = {"name": "a", "shape": [len(values)], "datatype": "FP64", "data": values}
    return Question(V2, orjson.dumps({"inputs": [tensor]}), "application/json")


def test_of_joined_requests_each_is_looked_at_by_itself() -> None:
    served = Served()
    assert served.ask(v1(1.0), v1(0.0, -1.0), v2(2.0), v2(0.0), v1(None)) == [200] * 5
    assert served.calls == [6]
    assert len(served.told) == 3


def test_requests_that_are_not_joined_are_looked_at_too() -> None:
    served = Served(rows_are_apart=False)
    served.ask(v1(0.0), v2(0.0), v1(1.0))
    assert served.calls == [1, 1, 1]
    assert len(served.told) == 2


def test_a_request_whose_joined_prediction_failed_is_counted_once() -> None:
    served = Served()
    assert served.ask(v1(2000.0), v1(0.0), v1(1.0)) == [0, 200, 200]
    assert served.calls == [3, 1, 1, 1]
    assert len(served.told) == 1


@pytest.mark.filterwarnings("ignore")
def test_the_careful_way_is_looked_at_too() -> None:
    served = Served()
    csv = Question(V1, b"a\n0.0\n", "text/csv")
    assert served.ask(csv, v1(0.0)) == [200, 200]
    assert len(served.told) == 2


def test_a_repeated_request_is_not_counted_nor_keeps_its_neighbours_from_being() -> None:
    served = Served()
    csv = Question(V1, b"a\n0.0\n", "text/csv", is_repeated=True)
    assert served.ask(v1(0.0, repeated=True), csv, v1(0.0), v1(1.0)) == [200] * 4
    assert len(served.told) == 1


def test_a_slice_must_fit_what_was_promised() -> None:
    served = Served(outputs=Tensor("float64", (-1, 2)))
    served.ask(v1(1.0), v1(2.0))
    assert len(served.told) == 2


@pytest.mark.parametrize(
    ("columns", "finite", "fitting"),
    [
        ({"label": np.array([1]), "score": np.array([0.5], np.float32)}, True, True),
        ({"label": np.array([1]), "score": np.array([math.nan], np.float32)}, False, True),
        ({"label": np.array([1])}, True, False),
        ({"label": np.array([0.5]), "score": np.array([0.5])}, True, False),
    ],
)
def test_records_are_looked_at_as_tables_are(
    columns: dict[str, Any], finite: bool, fitting: bool
) -> None:
    records = Records(columns)
    assert is_finite(records) is finite
    assert fits(records, BOTH) is fitting
