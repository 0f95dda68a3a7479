"""A question about one number that training code logged, and its answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FindMetric:
    """Read a metric that the run of a model's version logged."""

    model: str
    version: str
    metric: str


@dataclass(frozen=True, slots=True)
class LoggedMetric:
    """A metric of a version's run."""

    run_id: str
    """Empty where somebody registered the version without a run."""
    value: float | None
    """Its last value; None where the run didn't log it."""
