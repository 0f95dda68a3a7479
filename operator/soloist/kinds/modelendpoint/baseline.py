"""The baseline: what it answers, and what is missing for it.

A constant and a metric are answered by pods without a model of their own; a version is served like any other. As with
versions, the answer is first written to status and the pods are made from there, so that MLflow is asked once.
"""

from __future__ import annotations

import json
from math import isfinite

from soloist.api.conditions import Reason
from soloist.api.fields import Scalar
from soloist.api.v1alpha1.baseline import PinnedBaseline
from soloist.api.v1alpha1.modelendpoint import ModelEndpointStatus
from soloist.core.effects import Problem
from soloist.core.tally import deployment_problem, pod_problem
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.kinds.modelendpoint.lowest import is_read, version, wanted
from soloist.kinds.modelendpoint.names import Endpoint


def pin(endpoint: Endpoint, facts: EndpointFacts) -> PinnedBaseline | None:
    """What the constant's pods answer. A champion without the metric takes nothing away: the last known value is a
    better answer than none. One that is not wanted any more is known until its pods are gone."""
    lowest, known = wanted(endpoint), endpoint.status.baseline
    if lowest is None or lowest.version is not None:
        return known if facts.baseline is not None else None
    if lowest.constant is not None:
        return PinnedBaseline(value=lowest.constant)
    found, champion = facts.metric, endpoint.status.release.champion
    if found is None or found.value is None or not isfinite(found.value):
        return known
    return PinnedBaseline(
        value=found.value, logged_metric=lowest.logged_metric, version=champion, run_id=found.run_id
    )


def problem(endpoint: Endpoint, facts: EndpointFacts, now: ModelEndpointStatus) -> Problem | None:
    """Why the rung is not as it should be."""
    lowest = wanted(endpoint)
    if lowest is None:
        return None
    if lowest.version is not None:
        return _version_missing(endpoint, facts, now, lowest.version)
    if lowest.logged_metric is not None:
        missing = _metric_missing(endpoint, facts, now, lowest.logged_metric)
        if missing is not None:
            return missing
    return _pods_problem(facts)


def answer(endpoint: Endpoint, now: ModelEndpointStatus) -> str:
    """What it answers, in words."""
    named = version(endpoint)
    if named is not None:
        return f"the baseline, v{named},"
    pinned = now.baseline
    if pinned is None:
        return "the baseline"
    if pinned.logged_metric is None:
        return f"the baseline, which answers {_shown(pinned.value)} to every row,"
    return f"the baseline, which answers {_shown(pinned.value)} ({pinned.logged_metric} of v{pinned.version}) to every row,"


def _shown(value: Scalar) -> str:
    """The same before and after the API server wrote 3.0 as 3."""
    return f"{value:.12g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _version_missing(
    endpoint: Endpoint, facts: EndpointFacts, now: ModelEndpointStatus, named: str
) -> Problem | None:
    """A registry that doesn't answer is told of elsewhere, and so is a runtime that isn't known."""
    if facts.model is None or any(one.version == named for one in now.versions):
        return None
    if any(one.version == named for one in facts.model.versions):
        return None
    return Problem(
        Reason.BASELINE_MISSING,
        f"The baseline should be v{named}, which model {endpoint.spec.model} does not have: write a version that"
        " stands in MLflow's registry into baseline.version, or use baseline.constant.",
    )


def _metric_missing(
    endpoint: Endpoint, facts: EndpointFacts, now: ModelEndpointStatus, metric: str
) -> Problem | None:
    champion, found = endpoint.status.release.champion, facts.metric
    if champion is None or found is None or is_read(now.baseline, champion, metric):
        return None
    known = now.baseline
    left = f"the baseline still answers {_shown(known.value)}" if known else "there is no baseline"
    if not found.run_id:
        why = f"v{champion} was registered without a run of MLflow, so nobody knows its metric {metric}"
    elif found.value is None:
        why = f"Run {found.run_id} of v{champion} logged no metric {metric}"
    else:
        why = f"Run {found.run_id} of v{champion} logged {found.value} as {metric}, which is no answer"
    return Problem(
        Reason.BASELINE_MISSING,
        f"{why}, and {left}. Log it in the code that trains the model: mlflow.log_metric({metric!r}, value); or use"
        " baseline.constant.",
    )


def _pods_problem(facts: EndpointFacts) -> Problem | None:
    found = deployment_problem(facts.baseline) if facts.baseline is not None else None
    return found or next(filter(None, map(pod_problem, facts.baseline_pods)), None)
