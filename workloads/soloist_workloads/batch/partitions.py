"""Cuts a set into partitions: a row group of a Parquet file, or some megabytes of whole records of a CSV file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from soloist_workloads.batch.place import Place
from soloist_workloads.batch.problem import BatchProblem

PARQUET, CSV = ".parquet", ".csv"
# Large enough that a partition's files and records cost nothing beside its scoring, small enough to be lost.
CSV_BYTES = 32 * 1024 * 1024
READ_BYTES = 1 << 20
QUOTE, NEWLINE = ord('"'), ord("\n")


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of the input that is scored whole."""

    path: str
    """The file, relative to the storage."""
    name: str
    """What its results are called, below the output folder."""
    number: int
    ranges: tuple[tuple[int, int], ...]
    """The bytes of the file that it is made of: first, and the one after the last."""

    @property
    def is_csv(self) -> bool:
        return self.path.endswith(CSV)


def plan_partitions(place: Place, given: str, *, csv_bytes: int = CSV_BYTES) -> list[Partition]:
    """Every partition of the input, in a fixed order. Raises BatchProblem when there is nothing to score."""
    found = [path for path in place.files(given) if is_data(path, given)]
    if not found:
        raise BatchProblem(
            f"There is no file that ends with {PARQUET} or {CSV} at {given} in the storage. Put the set there, or"
            " correct spec.batch.input."
        )
    return [one for path in found for one in _cut(place, path, given, csv_bytes)]


def is_data(path: str, given: str) -> bool:
    """Names that begin with '.' or '_' belong to the programs that write tables, and are no part of the set."""
    if path == given:
        return path.endswith((PARQUET, CSV))
    parts = PurePosixPath(path).relative_to(given).parts
    return path.endswith((PARQUET, CSV)) and not any(part.startswith((".", "_")) for part in parts)


def _cut(place: Place, path: str, given: str, csv_bytes: int) -> Iterator[Partition]:
    inside = (
        PurePosixPath(path).name if path == given else str(PurePosixPath(path).relative_to(given))
    )
    suffix = CSV if path.endswith(CSV) else PARQUET
    with place.open_input(path) as file:
        try:
            cuts = list(cut_csv(file, csv_bytes) if suffix == CSV else cut_parquet(file))
        except (OSError, ValueError) as error:
            raise BatchProblem(
                f"{path} can't be read as {suffix[1:]}: {error}. Write it again, or take it out of the input."
            ) from None
    for number, ranges in enumerate(cuts):
        name = f"{inside.removesuffix(suffix)}-{number:05d}{suffix}"
        yield Partition(path, name, number, ranges)


def cut_parquet(file: Any) -> Iterator[tuple[tuple[int, int], ...]]:
    """The byte ranges of each row group's columns; a file without any is one empty partition."""
    metadata = pq.ParquetFile(file).metadata
    if metadata.num_row_groups == 0:
        yield ()
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        yield tuple(_chunk(group.column(place)) for place in range(group.num_columns))


def _chunk(column: Any) -> tuple[int, int]:
    starts = [column.data_page_offset]
    if column.has_dictionary_page and column.dictionary_page_offset:
        starts.append(column.dictionary_page_offset)
    return min(starts), min(starts) + int(column.total_compressed_size)


def cut_csv(file: Any, csv_bytes: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """The header's bytes with those of some records. A newline between quotes ends no record."""
    ends = _record_ends(file)
    header = next(ends, None)
    if header is None:
        raise ValueError("it is empty; its first line must name the columns")
    start, end = header, header
    for end in ends:
        if end - start >= csv_bytes:
            yield (0, header), (start, end)
            start = end
    if end > start or start == header:
        yield (0, header), (start, end)


def _record_ends(file: Any) -> Iterator[int]:
    """The position after each record. A quote within quotes is written twice, so that their number stays even outside."""
    offset, parity, last = 0, 0, 0
    while block := file.read(READ_BYTES):
        letters = np.frombuffer(block, np.uint8)
        quotes = (np.cumsum(letters == QUOTE) + parity) & 1
        for place in np.flatnonzero((letters == NEWLINE) & (quotes == 0)).tolist():
            last = offset + place + 1
            yield last
        parity = int(quotes[-1])
        offset += len(block)
    if parity:
        raise ValueError("a quote is opened and never closed")
    if offset > last:
        yield offset


def read_ranges(place: Place, partition: Partition) -> list[bytes]:
    """The partition's bytes as they lie in the file."""
    with place.open_input(partition.path) as file:
        return [bytes(file.read_at(end - start, start)) for start, end in partition.ranges]


def digest_of(place: Place, partition: Partition) -> str:
    """Of the partition's content and nothing else: a file that grew at its end leaves its first partitions as they are."""
    content = hashlib.sha256()
    for part in read_ranges(place, partition):
        content.update(len(part).to_bytes(8, "big"))
        content.update(part)
    if not partition.is_csv:
        with place.open_input(partition.path) as file:
            content.update(str(pq.ParquetFile(file).schema_arrow).encode())
    return content.hexdigest()
