"""A partition as an Arrow table, and a table's rows as what JSON says of them."""

from __future__ import annotations

import base64
import csv
import io
import re
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from soloist_workloads.batch.partitions import Partition, read_ranges
from soloist_workloads.batch.place import Place
from soloist_workloads.batch.problem import BatchProblem
from soloist_workloads.serving.signature import Kind

WHOLE = re.compile(r"[+-]?[0-9]+")
NUMBER = re.compile(
    r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(inf|infinity)|nan", re.IGNORECASE
)
FLAGS = {"true": True, "false": False}
MARK = "\ufeff".encode()


def read_table(place: Place, partition: Partition) -> pa.Table:
    """The partition as it is: the cells of a CSV file stay text, so that they can be written again as they were."""
    try:
        if partition.is_csv:
            return read_csv(b"".join(read_ranges(place, partition)))
        with place.open_input(partition.path) as file:
            parquet = pq.ParquetFile(file)
            if not partition.ranges:
                return parquet.schema_arrow.empty_table()
            return parquet.read_row_group(partition.number)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise BatchProblem(
            f"{partition.path} can't be read (part {partition.number}): {error}. Write it again, or take it out of the"
            " input."
        ) from None


def read_csv(content: bytes) -> pa.Table:
    """Text in every cell; one with nothing in it is missing, and one with two quotes in it is an empty text."""
    content = content.removeprefix(MARK)
    first = io.StringIO(content.decode("utf-8"), newline="")
    names = next(csv.reader(first), [])
    return pacsv.read_csv(
        io.BytesIO(content),
        read_options=pacsv.ReadOptions(block_size=len(content) + 1, use_threads=False),
        # In a file of one column an empty line is a missing value.
        parse_options=pacsv.ParseOptions(
            newlines_in_values=True, ignore_empty_lines=len(names) > 1
        ),
        convert_options=pacsv.ConvertOptions(
            column_types={name: pa.string() for name in names},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def column_values(column: Any, kind: Kind | None, *, is_text: bool) -> list[Any]:
    """A column as JSON values, nothing lost: what its kind can't hold is left to the signature's check."""
    if is_text:
        return [_from_text(text, kind) for text in column.to_pylist()]
    values: list[Any] = _plain(column).to_pylist()
    if kind in (Kind.DOUBLE, Kind.FLOAT):
        return [None if value != value else value for value in values]  # noqa: PLR0124 - only NaN differs from itself
    return values


def _plain(column: Any) -> Any:
    """Types that JSON has no word for, as the text that the signature's check reads."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_temporal(column.type) and not pa.types.is_duration(column.type):
        return column.cast(pa.string())
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return pa.array([_base64(value) for value in column.to_pylist()], pa.string())
    if pa.types.is_decimal(column.type):
        return pa.array([_number(value) for value in column.to_pylist()], pa.float64())
    return column


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode("ascii")


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _from_text(text: str | None, kind: Kind | None) -> Any:
    if text is None or kind is None:
        return text
    match kind:
        case Kind.DOUBLE | Kind.FLOAT if NUMBER.fullmatch(text):
            return None if text.lower() == "nan" else float(text)
        case Kind.LONG | Kind.INTEGER if WHOLE.fullmatch(text):
            return int(text)
        case Kind.BOOLEAN:
            return FLAGS.get(text.lower(), text)
        case _:
            return text
