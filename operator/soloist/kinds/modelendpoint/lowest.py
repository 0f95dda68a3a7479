"""The lowest rung of the ladder, as the spec and what was recorded say it."""

from __future__ import annotations

from soloist.api.v1alpha1.baseline import Baseline, PinnedBaseline
from soloist.core.metric import FindMetric
from soloist.kinds.modelendpoint.names import Endpoint


def wanted(endpoint: Endpoint) -> Baseline | None:
    """What the ladder's last rung should be."""
    return endpoint.spec.baseline if "baseline" in endpoint.spec.failover else None


def version(endpoint: Endpoint) -> str | None:
    """The version that is the baseline, where one is."""
    lowest = wanted(endpoint)
    return lowest.version if lowest is not None else None


def is_constant(endpoint: Endpoint) -> bool:
    """Whether a constant is answered. Before there is a champion nobody knows what a request looks like."""
    lowest, status = wanted(endpoint), endpoint.status
    is_known = status.baseline is not None and status.served is not None
    return lowest is not None and lowest.version is None and is_known


def question(endpoint: Endpoint) -> FindMetric | None:
    """What MLflow is asked, until it has answered for this champion."""
    lowest, champion = wanted(endpoint), endpoint.status.release.champion
    if lowest is None or lowest.logged_metric is None or champion is None:
        return None
    if is_read(endpoint.status.baseline, champion, lowest.logged_metric):
        return None
    return FindMetric(endpoint.spec.model, champion, lowest.logged_metric)


def is_read(known: PinnedBaseline | None, champion: str | None, metric: str) -> bool:
    """Whether this metric of this champion is what was read."""
    return known is not None and (known.version, known.logged_metric) == (champion, metric)
