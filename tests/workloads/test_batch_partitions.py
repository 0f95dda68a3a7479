"""A set is cut into partitions that lose no record, and a table's values reach the model as they are."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from soloist_workloads.batch.partitions import digest_of, plan_partitions, read_ranges
from soloist_workloads.batch.place import Place
from soloist_workloads.batch.problem import BatchProblem
from soloist_workloads.batch.reading import column_values, read_csv, read_table
from soloist_workloads.serving.signature import Kind
from tests.workloads.batch_sets import write_parquet


def write(storage: Path, path: str, text: str) -> None:
    (storage / path).parent.mkdir(parents=True, exist_ok=True)
    (storage / path).write_text(text, newline="")


@pytest.mark.parametrize("size", [1, 7, 40, 10_000])
def test_a_csv_file_is_cut_between_records_only(tmp_path: Path, size: int) -> None:
    rows = [["id", "text"], *([str(n), f'a "{n}"\nb,{n}' if n % 3 else "plain"] for n in range(50))]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write(tmp_path, "in/a.csv", text.getvalue())
    place = Place(str(tmp_path))
    partitions = plan_partitions(place, "in", csv_bytes=size)
    assert len(partitions) == {1: 50, 7: len(partitions), 40: len(partitions), 10_000: 1}[size]
    read = [row for one in partitions for row in read_table(place, one).to_pylist()]
    assert [[row["id"], row["text"]] for row in read] == rows[1:]
    assert all(len(read_ranges(place, one)) == 2 for one in partitions)


def test_a_csv_without_a_newline_at_its_end_or_without_records_is_read_whole(
    tmp_path: Path,
) -> None:
    write(tmp_path, "in/a.csv", "x,y\n1,2\n3,4")
    write(tmp_path, "in/empty.csv", "x,y\n")
    place = Place(str(tmp_path))
    whole, empty = plan_partitions(place, "in")
    assert read_table(place, whole).to_pylist() == [{"x": "1", "y": "2"}, {"x": "3", "y": "4"}]
    assert read_table(place, empty).num_rows == 0
    assert read_table(place, empty).column_names == ["x", "y"]


def test_a_parquet_file_is_cut_at_its_row_groups_and_names_tell_where_they_come_from(
    tmp_path: Path,
) -> None:
    write_parquet(tmp_path, "in/day=1/a.parquet", {"x": list(range(25))}, group=10)
    write_parquet(tmp_path, "in/_temporary/b.parquet", {"x": [1]})
    write(tmp_path, "in/.hidden.csv", "x\n1\n")
    write(tmp_path, "in/readme.txt", "no data")
    place = Place(str(tmp_path))
    partitions = plan_partitions(place, "in")
    assert [one.name for one in partitions] == [f"day=1/a-0000{n}.parquet" for n in range(3)]
    assert [read_table(place, one).num_rows for one in partitions] == [10, 10, 5]


def test_a_digest_is_of_the_partition_alone(tmp_path: Path) -> None:
    place = Place(str(tmp_path))
    write_parquet(tmp_path, "in/a.parquet", {"x": list(range(20))}, group=10)
    before = [digest_of(place, one) for one in plan_partitions(place, "in")]
    write_parquet(tmp_path, "in/a.parquet", {"x": [*range(19), 99]}, group=10)
    first, second = [digest_of(place, one) for one in plan_partitions(place, "in")]
    assert (first == before[0], second == before[1]) == (True, False)
    write_parquet(tmp_path, "in/a.parquet", {"y": list(range(20))}, group=10)
    assert digest_of(place, plan_partitions(place, "in")[0]) != before[0]


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        pytest.param(
            "in/a.txt", "x", "no file that ends with .parquet or .csv", id="nothing to score"
        ),
        pytest.param("in/a.csv", "", "it is empty", id="no header"),
        pytest.param("in/a.csv", 'x\n"1\n', "never closed", id="an open quote"),
        pytest.param(
            "in/a.parquet", "no parquet", "in/a.parquet can't be read as parquet", id="no parquet"
        ),
    ],
)
def test_what_cant_be_read_is_said_with_its_file(
    tmp_path: Path, path: str, text: str, said: str
) -> None:
    write(tmp_path, path, text)
    with pytest.raises(BatchProblem, match=said):
        plan_partitions(Place(str(tmp_path)), "in")


def test_a_record_with_a_cell_too_many_is_said_with_its_file(tmp_path: Path) -> None:
    write(tmp_path, "in/a.csv", "x,y\n1,2\n1,2,3\n")
    place = Place(str(tmp_path))
    with pytest.raises(
        BatchProblem, match=r"in/a\.csv can't be read \(part 0\).*Expected 2 columns"
    ):
        read_table(place, plan_partitions(place, "in")[0])


def test_missing_and_empty_are_two_things_in_csv() -> None:
    table = read_csv(b'\xef\xbb\xbfname,x\n"",1\n,2\nNA,3\n')
    assert table.column_names == ["name", "x"]
    assert table["name"].to_pylist() == ["", None, "NA"]
    assert read_csv(b"x\n1\n\n3\n")["x"].to_pylist() == ["1", None, "3"]


def test_text_becomes_what_the_signature_takes_and_stays_text_where_it_cant() -> None:
    cases: dict[Kind | None, list[tuple[str | None, object]]] = {
        Kind.DOUBLE: [("1", 1.0), ("1e-7", 1e-7), ("-inf", float("-inf")), ("nan", None), (None, None),
                      ("1_000", "1_000"), ("ten", "ten")],
        Kind.LONG: [("9007199254740993", 9007199254740993), ("1.0", "1.0"), (" 1", " 1")],
        Kind.BOOLEAN: [("true", True), ("False", False), ("1", "1")],
        Kind.STRING: [("1", "1"), ("", "")],
        Kind.DATETIME: [("2013-01-31", "2013-01-31")],
        None: [("1", "1")],
    }  # fmt: skip
    for kind, pairs in cases.items():
        column = pa.chunked_array([[text for text, _ in pairs]], pa.string())
        assert column_values(column, kind, is_text=True) == [value for _, value in pairs]


def test_typed_values_become_json_without_loss() -> None:
    cases = [
        (pa.array([1359654300000001000], pa.timestamp("ns")), ["2013-01-31 17:45:00.000001000"]),
        (pa.array([date(2013, 1, 31), None]), ["2013-01-31", None]),
        (pa.array([b"\x00\xff", None]), ["AP8=", None]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.array([Decimal("1.25")]), [1.25]),
        (pa.array([2**63], pa.uint64()), [2**63]),
        (pa.array([True, None]), [True, None]),
    ]  # fmt: skip
    for array, expected in cases:
        assert column_values(pa.chunked_array([array]), None, is_text=False) == expected
