"""What a serving pod counts of its own answers, which a gateway that reads no bodies can't know."""

from __future__ import annotations

from dataclasses import dataclass

from soloist.gateway.exposition import parse_lines

COUNTS_PATH = "/metrics"
INVALID = "soloist_invalid_answers_total"
COMPARED = "soloist_compared_answers_total"
DISAGREEING = "soloist_disagreeing_answers_total"
DISTANCE = "soloist_answer_distance_sum"
REPLAYED = "soloist_replayed_requests_total"
KEPT_LEFT = "soloist_kept_requests_left"


@dataclass(frozen=True, slots=True)
class ServerCounts:
    """One pod's, since it started."""

    invalid: int = 0
    compared: int = 0
    disagreed: int = 0
    distance_sum: float = 0.0
    replayed: int = 0
    kept_left: int = 0
    """Kept requests that could still be asked again, when the pod was last asked to."""


def parse_counts(text: str) -> ServerCounts:
    """The page of a pod. A runtime that doesn't count yet says nothing, and nothing is zero."""
    values = {line.name: line.value for line in parse_lines(text)}
    invalid, compared, disagreed, replayed, kept_left = (
        round(values.get(name, 0)) for name in (INVALID, COMPARED, DISAGREEING, REPLAYED, KEPT_LEFT)
    )
    distance_sum = values.get(DISTANCE, 0.0)
    return ServerCounts(invalid, compared, disagreed, distance_sum, replayed, kept_left)
