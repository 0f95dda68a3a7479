"""How a reconcile can end: done, or one of three words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Done:
    """Everything is as it should be; look again when something changes, or after `again`."""

    again: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not a failure: something has to happen elsewhere first. Look again after `after`."""

    reason: str
    message: str
    after: timedelta


@dataclass(frozen=True, slots=True)
class Stalled:
    """Nothing will change until the user changes something; no retry before that."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A failure that may heal by itself: try again with backoff."""

    reason: str
    message: str


Outcome = Done | Waiting | Stalled | Failed


def _severity(outcome: Outcome) -> int:
    match outcome:
        case Done():
            return 0
        case Waiting():
            return 1
        case Failed():
            return 2
        case Stalled():
            return 3


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that a person should hear of first: Stalled, then Failed, then Waiting; the soonest Done otherwise."""
    result: Outcome = Done()
    for outcome in outcomes:
        if isinstance(outcome, Done) and isinstance(result, Done):
            result = Done(_sooner(result.again, outcome.again))
        elif _severity(outcome) > _severity(result):
            result = outcome
    return result


def _sooner(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    known = [span for span in (one, other) if span is not None]
    return min(known) if known else None
