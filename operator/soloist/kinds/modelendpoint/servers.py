"""What a serving pod counts of its own answers, which a gateway that reads no bodies can't know."""

from __future__ import annotations

from dataclasses import dataclass

from soloist.gateway.exposition import parse_lines

COUNTS_PATH = "/metrics"
INVALID = "soloist_invalid_answers_total"


@dataclass(frozen=True, slots=True)
class ServerCounts:
    """One pod's, since it started."""

    invalid: int = 0


def parse_counts(text: str) -> ServerCounts:
    """The page of a pod. A runtime that doesn't count yet says nothing, and nothing is zero."""
    values = {line.name: line.value for line in parse_lines(text)}
    return ServerCounts(invalid=round(values.get(INVALID, 0)))
