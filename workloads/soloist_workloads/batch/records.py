"""What was done, as small files beside the results: from what content, by which model, into which files.

    record "begun" ──▶ results ──▶ record "done"

A result without a record is somebody else's file, so the first record comes before the first result. Whatever dies in
between leaves a record that isn't done, and the next Run scores the partition again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from soloist_workloads.batch.place import Place
from soloist_workloads.batch.problem import BatchProblem

# Readers of folders of tables leave out what begins with '_'.
FOLDER, REFUSED = "_soloist", "_refused"
# Change it when the same input and model would be written otherwise.
EDITION = 1


@dataclass(frozen=True, slots=True)
class Record:
    """One partition's."""

    endpoint: str
    name: str
    source: str
    """Digest of the partition's content."""
    model: str
    """Digest of the model's files and of the image that ran it."""
    files: tuple[tuple[str, int], ...] = ()
    """The results and their sizes; a path is relative to the output folder."""
    rows: int = 0
    refused: int = 0
    is_done: bool = False
    edition: int = EDITION


def path_of(output: str, name: str) -> str:
    return f"{output}/{FOLDER}/{name}.json"


def read_record(place: Place, output: str, name: str) -> Record | None:
    path = path_of(output, name)
    if place.size(path) is None:
        return None
    with place.open_input(path) as file:
        try:
            told = json.loads(file.read())
            return Record(**{**told, "files": tuple((one, size) for one, size in told["files"])})
        except (ValueError, TypeError, KeyError):
            raise BatchProblem(
                f"{path} is no record of a batch. Remove it together with the results of {name}, and they are made again."
            ) from None


def write_record(place: Place, output: str, record: Record) -> None:
    place.write(path_of(output, record.name), json.dumps(asdict(record), indent=1).encode())


def records(place: Place, output: str) -> list[Record]:
    """Every record below the output folder."""
    prefix = f"{output}/{FOLDER}/"
    names = (
        path.removeprefix(prefix).removesuffix(".json")
        for path in place.files(prefix.rstrip("/"))
        if path.endswith(".json") and not path.rpartition("/")[2].startswith(".")
    )
    found = (read_record(place, output, name) for name in names)
    return [record for record in found if record is not None]


def is_up_to_date(place: Place, output: str, found: Record | None, wanted: Record) -> bool:
    """Whether the results are there, of this content, by this model."""
    if found is None or not found.is_done or found.edition != EDITION:
        return False
    same = (found.source, found.model) == (wanted.source, wanted.model)
    return same and all(place.size(f"{output}/{path}") == size for path, size in found.files)


def require_own(place: Place, output: str, name: str, found: Record | None, endpoint: str) -> None:
    """Raises when a file of this name is not ours to replace."""
    if found is not None and found.endpoint != endpoint:
        raise BatchProblem(
            f"{output}/{name} was written by the ModelEndpoint {found.endpoint}. Give this one another spec.batch.output."
        )
    taken = [
        path for path in (name, f"{REFUSED}/{name}") if place.size(f"{output}/{path}") is not None
    ]
    if found is None and taken:
        raise BatchProblem(
            f"{output}/{taken[0]} is there already and was not written by a batch. Move it away, or name another folder"
            " in spec.batch.output."
        )


def remove_results(
    place: Place, output: str, record: Record, *, keep: frozenset[str] = frozenset()
) -> None:
    """Only files that the record names; the record itself is the caller's."""
    for path, _ in record.files:
        if path not in keep:
            place.remove(f"{output}/{path}")


def forget(place: Place, output: str, record: Record) -> None:
    """Remove a partition that is no more: the record last, so that a removal that is cut is finished later."""
    remove_results(place, output, record)
    place.remove(path_of(output, record.name))
