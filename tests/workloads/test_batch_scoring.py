"""A partition is scored whole or not at all; what is done stays done, and nothing of anybody else is touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from soloist_workloads.batch.asking import MOST_AT_ONCE
from soloist_workloads.batch.problem import BatchProblem
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.scorer import Reply, Scorer
from soloist_workloads.serving.signature import Column, Columns, Kind, Nothing, Signature
from tests.workloads.batch_sets import record, results, score, write_parquet

ROOT = Path(__file__).resolve().parents[2]


class Doubling(Scorer):
    """Answers with twice x, refuses what isn't below 1000, and counts what it is asked."""

    def __init__(
        self, answer: Callable[[float], Any] = lambda x: 2 * x, *, status: int = 400
    ) -> None:
        self.asked = 0
        self._answer = answer
        self._status = status

    @property
    def flavor(self) -> str:
        return "doubling"

    @property
    def inputs(self) -> Signature:
        return Columns((Column("x", Kind.DOUBLE),), named=True)

    @property
    def outputs(self) -> Signature:
        return Nothing()

    def invoke(self, body: bytes, content_type: str) -> Reply:
        self.asked += 1
        rows = json.loads(body)["dataframe_split"]["data"]
        if any(not isinstance(x, float | int) or x >= 1000 for (x,) in rows):
            raise RequestProblem("Column x must be below 1000.", status=self._status)
        return Reply(json.dumps({"predictions": [self._answer(x) for (x,) in rows]}).encode())

    def predict(self, given: Any) -> Any:
        raise NotImplementedError


def test_the_output_is_the_input_with_a_prediction_file_by_file(tmp_path: Path) -> None:
    columns = {"x": [1.0, 2.0, 3.0], "id": ["a", "b", None]}
    write_parquet(tmp_path, "in/day=1.parquet", columns, group=2)
    score(Doubling(), tmp_path)
    found = [pq.read_table(tmp_path / f"out/day=1-0000{n}.parquet").to_pylist() for n in (0, 1)]
    assert found == [
        [{"x": 1.0, "id": "a", "prediction": 2.0}, {"x": 2.0, "id": "b", "prediction": 4.0}],
        [{"x": 3.0, "id": None, "prediction": 6.0}],
    ]


def test_a_csv_set_becomes_csv_with_its_cells_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.csv").write_text('id,x,note\n007,1.50,"a ""b""\nc"\n008,0.1,\n009,2,""\n')
    score(Doubling(), tmp_path)
    text = (tmp_path / "out/a-00000.csv").read_text()
    assert text == (
        '"id","x","note","prediction"\n"007","1.50","a ""b""\nc","3.0"\n"008","0.1",,"0.2"\n"009","2","","4.0"\n'
    )


def test_refused_rows_are_kept_with_their_reason_and_the_others_are_scored(tmp_path: Path) -> None:
    write_parquet(tmp_path, "in/a.parquet", {"x": [1.0, 2000.0, 3.0, None]})
    (scored,) = score(Doubling(), tmp_path)
    assert (scored.rows, scored.refused, scored.first_reason) == (
        2,
        2,
        "Column x must be below 1000.",
    )
    kept = pq.read_table(tmp_path / "out/a-00000.parquet").to_pylist()
    assert [row["x"] for row in kept] == [1.0, 3.0]
    refused = pq.read_table(tmp_path / "out/_refused/a-00000.parquet").to_pylist()
    assert [row["x"] for row in refused] == [2000.0, None]
    assert {row["refused_because"] for row in refused} == {"Column x must be below 1000."}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        pytest.param({"y": [1.0]}, r"in/a\.parquet \(part 0\): The model needs column x \(double\)", id="no column"),
        pytest.param({"x": [1.0], "prediction": [0]}, "has a column prediction", id="a column of that name"),
    ],
)  # fmt: skip
def test_a_set_that_no_row_of_can_be_answered_is_said_and_leaves_no_result(
    tmp_path: Path, columns: Any, said: str
) -> None:
    write_parquet(tmp_path, "in/a.parquet", columns)
    with pytest.raises(BatchProblem, match=said):
        score(Doubling(), tmp_path)
    assert list(results(tmp_path)) == ["_soloist/a-00000.parquet.json"]


def test_a_model_that_is_down_refuses_no_row_but_stops_the_batch(tmp_path: Path) -> None:
    write_parquet(tmp_path, "in/a.parquet", {"x": [5000.0]})
    with pytest.raises(BatchProblem, match="The model can't answer"):
        score(Doubling(status=503), tmp_path)


def test_answers_with_names_become_columns_and_lists_stay_lists(tmp_path: Path) -> None:
    write_parquet(tmp_path, "in/a.parquet", {"x": [1.0, 2.0]})
    score(Doubling(lambda x: {"low": x - 1, "high": x + 1}), tmp_path)
    named = pq.read_table(tmp_path / "out/a-00000.parquet")
    assert named.column_names == ["x", "prediction_low", "prediction_high"]
    score(Doubling(lambda x: [x, 1 - x]), tmp_path, output="lists")
    lists = pq.read_table(tmp_path / "lists/a-00000.parquet")
    assert lists["prediction"].to_pylist() == [[1.0, 0.0], [2.0, -1.0]]


def test_what_is_done_is_not_asked_again_until_input_or_model_change(tmp_path: Path) -> None:
    write_parquet(tmp_path, "in/a.parquet", {"x": [1.0] * 20}, group=10)
    score(Doubling(), tmp_path)
    again = Doubling()
    before = results(tmp_path)
    assert [one.is_skipped for one in score(again, tmp_path)] == [True, True]
    assert (again.asked, results(tmp_path)) == (0, before)
    write_parquet(tmp_path, "in/a.parquet", {"x": [1.0] * 19 + [7.0]}, group=10)
    assert [one.is_skipped for one in score(again, tmp_path)] == [True, False]
    assert pq.read_table(tmp_path / "out/a-00001.parquet")["prediction"].to_pylist()[-1] == 14.0
    assert [one.is_skipped for one in score(again, tmp_path, model="v2")] == [False, False]


def test_a_result_that_somebody_removed_or_cut_is_made_again(tmp_path: Path) -> None:
    write_parquet(tmp_path, "in/a.parquet", {"x": [1.0]})
    score(Doubling(), tmp_path)
    whole = results(tmp_path)
    (tmp_path / "out/a-00000.parquet").unlink()
    score(Doubling(), tmp_path)
    assert results(tmp_path) == whole
    (tmp_path / "out/a-00000.parquet").write_bytes(b"cut")
    score(Doubling(), tmp_path)
    assert results(tmp_path) == whole


def test_results_of_what_is_no_more_go_and_files_of_others_stay(tmp_path: Path) -> None:
    write_parquet(tmp_path, "in/a.parquet", {"x": [1.0, 5000.0]}, group=1)
    write_parquet(tmp_path, "in/b.parquet", {"x": [1.0]})
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.parquet").write_text("mine")
    score(Doubling(), tmp_path)
    (tmp_path / "in/b.parquet").unlink()
    write_parquet(tmp_path, "in/a.parquet", {"x": [1.0]}, group=1)
    score(Doubling(), tmp_path)
    assert sorted(results(tmp_path)) == [
        "_soloist/a-00000.parquet.json", "a-00000.parquet", "notes.parquet",
    ]  # fmt: skip


def test_refusals_that_are_no_more_take_their_file_with_them(tmp_path: Path) -> None:
    write_parquet(tmp_path, "in/a.parquet", {"x": [1.0, 5000.0]})
    score(Doubling(), tmp_path)
    assert (tmp_path / "out/_refused/a-00000.parquet").exists()
    write_parquet(tmp_path, "in/a.parquet", {"x": [1.0, 5.0]})
    score(Doubling(), tmp_path)
    assert not (tmp_path / "out/_refused/a-00000.parquet").exists()


def test_a_file_that_a_batch_did_not_write_is_never_replaced(tmp_path: Path) -> None:
    write_parquet(tmp_path, "in/a.parquet", {"x": [1.0]})
    write_parquet(tmp_path, "out/a-00000.parquet", {"mine": [1]})
    before = results(tmp_path)
    with pytest.raises(
        BatchProblem, match=r"out/a-00000\.parquet is there already and was not written by a batch"
    ):
        score(Doubling(), tmp_path)
    assert results(tmp_path) == before


def test_two_endpoints_never_write_into_each_others_results(tmp_path: Path) -> None:
    write_parquet(tmp_path, "in/a.parquet", {"x": [1.0]})
    score(Doubling(), tmp_path, endpoint="team/first")
    before = results(tmp_path)
    with pytest.raises(BatchProblem, match="was written by the ModelEndpoint team/first"):
        score(Doubling(), tmp_path, endpoint="team/second")
    assert results(tmp_path) == before


KILLED = """
import os, signal, sys
from pathlib import Path
from soloist_workloads.batch import place as places
from tests.workloads.batch_sets import score
from tests.workloads.test_batch_scoring import Doubling

left = int(sys.argv[2])
write = places.Place.write
def dying(self, path, content):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, path, content)
places.Place.write = dying
score(Doubling(), Path(sys.argv[1]))
"""


def test_a_batch_killed_before_any_of_its_writes_ends_as_one_that_never_died(
    tmp_path: Path,
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for storage in (whole, killed):
        write_parquet(storage, "in/a.parquet", {"x": [1.0, 5000.0, 3.0, 4.0]}, group=2)
    score(Doubling(), whole)
    program = [sys.executable, "-c", KILLED, str(killed)]
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'workloads'}"}
    # A partition's writes: a record, the results (the first has refusals, too), and the record again.
    for writes in (1, 2, 3, 5, 1, 2):
        ended = subprocess.run(
            [*program, str(writes)], env=env, check=False, capture_output=True, text=True
        )
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        assert results(killed) != results(whole)
    assert record(killed, "a-00000.parquet")["is_done"]
    assert not record(killed, "a-00001.parquet")["is_done"]
    assert [one.is_skipped for one in score(Doubling(), killed)] == [True, False]
    assert results(killed) == results(whole)


class Forest(Doubling):
    """As a model of trees: each row is walked by itself, whatever stands beside it."""

    @property
    def matrix(self) -> Any:
        return SimpleNamespace(rows_are_apart=True)


def test_rows_share_a_request_only_where_that_changes_no_answer(tmp_path: Path) -> None:
    write_parquet(tmp_path, "in/a.parquet", {"x": [float(n) for n in range(600)]})
    alone, together = Doubling(), Forest()
    score(alone, tmp_path)
    score(together, tmp_path, output="together")
    assert (alone.asked, together.asked) == (600, 2)
    ours, theirs = results(tmp_path), results(tmp_path, "together")
    assert ours["a-00000.parquet"] == theirs["a-00000.parquet"]


def test_a_row_that_is_refused_among_others_is_the_only_one_that_is(tmp_path: Path) -> None:
    write_parquet(tmp_path, "in/a.parquet", {"x": [*([1.0] * 300), 5000.0, None, *([2.0] * 298)]})
    (scored,) = score(Forest(), tmp_path)
    assert (scored.rows, scored.refused) == (598, 2)
    refused = pq.read_table(tmp_path / "out/_refused/a-00000.parquet")
    assert refused["x"].to_pylist() == [5000.0, None]


def test_a_row_group_of_many_rows_keeps_each_row_beside_its_answer(tmp_path: Path) -> None:
    count = 2 * MOST_AT_ONCE + 5
    values = [5000.0 if n in (0, MOST_AT_ONCE, count - 1) else n / 100 for n in range(count)]
    write_parquet(tmp_path, "in/a.parquet", {"x": values}, group=count)
    (scored,) = score(Forest(), tmp_path)
    assert (scored.rows, scored.refused) == (count - 3, 3)
    table = pq.read_table(tmp_path / "out/a-00000.parquet")
    assert table["prediction"].to_pylist() == [2 * x for x in table["x"].to_pylist()]
    assert table["x"].to_pylist() == [x for x in values if x < 1000]
