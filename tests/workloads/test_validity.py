"""Which predictions count as invalid answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from soloist.gateway.exposition import parse_lines
from soloist_workloads.serving.app import App
from soloist_workloads.serving.lane import Lane
from soloist_workloads.serving.scorer import NativeScorer
from soloist_workloads.serving.signature import Column, Columns, Kind, Nothing, Signature, Tensor
from soloist_workloads.serving.state import State
from soloist_workloads.serving.validity import Watch, fits, is_finite

DELAY = Columns((Column("delay", Kind.DOUBLE),), named=True)
BOTH = Columns((Column("delay", Kind.DOUBLE), Column("reason", Kind.STRING)), named=True)
UNNAMED = Columns((Column(0, Kind.LONG),), named=False)
SCORES = Tensor("float64", (-1, 3))


@pytest.mark.parametrize(
    ("predictions", "expected"),
    [
        (np.array([1.0, 2.0]), True),
        (np.array([1.0, math.nan]), False),
        (np.array([[1.0, -math.inf]], np.float32), False),
        (np.array([1, 2]), True),
        (np.array(["nan"]), True),
        (np.array(["late", math.nan], object), False),
        (np.array(["late", None], object), True),
        (pd.DataFrame({"delay": [1.0], "reason": ["fog"]}), True),
        (pd.DataFrame({"reason": ["fog"], "delay": [math.inf]}), False),
        (pd.DataFrame({"delay": pd.array([1.0, None], "Float64")}), False),
        (pd.DataFrame({"delay": pd.array([1, None], "Int64")}), True),
        (pd.Series([math.nan]), False),
        ({"scores": [0.5, [math.nan]]}, False),
        ([{"text": "NaN"}, 1, True, None], True),
        ("text", True),
        (np.float32("nan"), False),
    ],
)
def test_every_number_must_be_finite(predictions: Any, expected: bool) -> None:
    assert is_finite(predictions) is expected


@pytest.mark.parametrize(
    ("predictions", "promised", "expected"),
    [
        (np.zeros((4, 3)), SCORES, True),
        (np.zeros((4, 3), np.float32), SCORES, True),
        (np.zeros((4, 3), int), SCORES, True),
        (np.zeros((4, 2)), SCORES, False),
        (np.zeros(4), SCORES, False),
        (np.array([["a", "b", "c"]]), SCORES, False),
        (np.zeros(4), Tensor("int64", (-1,)), False),
        (pd.DataFrame({"delay": [1.0]}), DELAY, True),
        (pd.DataFrame({"delay": [1]}), DELAY, True),
        (pd.DataFrame({"delay": ["1"]}), DELAY, False),
        (pd.DataFrame({"wait": [1.0]}), DELAY, False),
        (pd.DataFrame({"delay": [1.0]}), BOTH, False),
        (pd.DataFrame({"delay": [1.0], "reason": ["fog"]}), BOTH, True),
        (pd.Series([1.0]), DELAY, True),
        (np.zeros(4), DELAY, True),
        (np.zeros((4, 1)), DELAY, True),
        (np.zeros((4, 2)), DELAY, False),
        (np.zeros(4, int), UNNAMED, True),
        (pd.DataFrame({"a": [1], "b": [2]}), UNNAMED, False),
        ({"anything": 1}, DELAY, True),
        (np.zeros(4), Nothing(), True),
    ],
)
def test_it_must_fit_what_was_promised(
    predictions: Any, promised: Signature, expected: bool
) -> None:
    assert fits(predictions, promised) is expected


def test_a_warm_up_is_no_answer() -> None:
    told: list[int] = []
    watch = Watch(Nothing())
    predict = watch.over(lambda: np.array([math.nan]))
    predict()
    watch.tell = lambda: told.append(1)
    assert math.isnan(predict()[0])
    assert told == [1]


@pytest.mark.asyncio
async def test_answers_of_both_protocols_are_counted(connect: Callable[[App], Any]) -> None:
    one = Columns((Column("a", Kind.DOUBLE),), named=True)
    watch = Watch(Tensor("float64", (-1,)))

    def logarithm(table: pd.DataFrame) -> Any:
        with np.errstate(all="ignore"):
            return np.log(table["a"].to_numpy())

    predict = watch.over(logarithm)
    state = State()
    state.become_ready(NativeScorer("log", predict, one, Nothing()))
    app = App(name="m", version="3", state=state, lane=Lane(threads=1))
    watch.tell = app.metrics.invalid_answers.inc
    async with connect(app) as client:

        async def counted() -> float:
            text = (await client.get("/metrics")).text
            return next(
                line.value
                for line in parse_lines(text)
                if line.name == "soloist_invalid_answers_total"
            )

        async def ask(value: float) -> tuple[bytes, bytes]:
            tensor = {"name": "a", "shape": [1], "datatype": "FP64", "data": [value]}
            first = await client.post("/invocations", json={"inputs": {"a": [value]}})
            second = await client.post("/v2/models/m/infer", json={"inputs": [tensor]})
            assert (first.status_code, second.status_code) == (200, 200)
            return first.content, second.content

        await ask(1.0)
        await client.post("/invocations", content=b"{")
        assert await counted() == 0
        assert (await ask(0.0))[0] == b'{"predictions": [-Infinity]}'
        assert (await ask(-1.0))[0] == b'{"predictions": [NaN]}'
        assert await counted() == 4
