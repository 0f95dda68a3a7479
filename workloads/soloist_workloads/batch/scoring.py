"""One partition, from its bytes to its results."""

from __future__ import annotations

from dataclasses import dataclass, replace

from soloist_workloads.batch.asking import Answers, ask
from soloist_workloads.batch.partitions import Partition, digest_of
from soloist_workloads.batch.place import Place
from soloist_workloads.batch.problem import BatchProblem
from soloist_workloads.batch.reading import read_table
from soloist_workloads.batch.records import (
    REFUSED,
    Record,
    is_up_to_date,
    read_record,
    remove_results,
    require_own,
    write_record,
)
from soloist_workloads.batch.results import refused_table, scored_table, write_bytes
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.scorer import Scorer


@dataclass(frozen=True, slots=True)
class Target:
    """Where results go, whose they are, and by what."""

    place: Place
    output: str
    endpoint: str
    model: str
    """Digest of all that the answers depend on beside the input."""


@dataclass(frozen=True, slots=True)
class Scored:
    """How a partition went."""

    name: str
    rows: int
    refused: int
    is_skipped: bool = False
    first_reason: str = ""


def score_partition(scorer: Scorer, partition: Partition, target: Target) -> Scored:
    """Score it unless that was done already. It can be cut at any point and asked for again."""
    place, output = target.place, target.output
    wanted = Record(target.endpoint, partition.name, digest_of(place, partition), target.model)
    found = read_record(place, output, partition.name)
    require_own(place, output, partition.name, found, target.endpoint)
    if found is not None and is_up_to_date(place, output, found, wanted):
        return Scored(partition.name, found.rows, found.refused, is_skipped=True)
    # The files of the record before are named in this one, too: cut here, nobody forgets whose they are.
    write_record(place, output, replace(wanted, files=found.files if found is not None else ()))
    table = read_table(place, partition)
    try:
        answers = ask(scorer, table, is_text=partition.is_csv)
    except (RequestProblem, BatchProblem) as problem:
        raise BatchProblem(f"{partition.path} (part {partition.number}): {problem}") from problem
    contents = {partition.name: write_bytes(scored_table(table, answers), is_csv=partition.is_csv)}
    if answers.reasons:
        refused = refused_table(table, answers)
        contents[f"{REFUSED}/{partition.name}"] = write_bytes(refused, is_csv=partition.is_csv)
    for path, content in contents.items():
        place.write(f"{output}/{path}", content)
    if found is not None:
        remove_results(place, output, found, keep=frozenset(contents))
    return _finish(target, wanted, contents, answers)


def _finish(target: Target, wanted: Record, contents: dict[str, bytes], answers: Answers) -> Scored:
    done = replace(
        wanted,
        files=tuple((path, len(content)) for path, content in contents.items()),
        rows=len(answers.predictions),
        refused=len(answers.reasons),
        is_done=True,
    )
    write_record(target.place, target.output, done)
    reason = next(iter(answers.reasons.values()), "")
    return Scored(wanted.name, done.rows, done.refused, first_reason=reason)
