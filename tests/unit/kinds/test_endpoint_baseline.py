"""The lowest rung: what is read and kept for it, who answers, which pods there are, and what is said."""

from __future__ import annotations

from math import nan
from typing import Any

import pytest

from soloist.api.v1alpha1.baseline import PinnedBaseline
from soloist.core.effects import Problem
from soloist.core.metric import FindMetric, LoggedMetric
from soloist.core.objects import DEPLOYMENT, SERVICE
from soloist.core.outcome import Done
from soloist.kinds.modelendpoint import lowest, policy, routing
from soloist.kinds.modelendpoint.desired import desire
from soloist.kinds.modelendpoint.facts import needs
from soloist.kinds.modelendpoint.status import summarize
from tests.support.kinds import PLATFORM, an_endpoint, endpoint_facts
from tests.unit.kinds.test_endpoint_policy import deployment, following, model, pin, serving

BOTH = ["previous", "baseline"]
METRIC = {"failover": BOTH, "baseline": {"loggedMetric": "training_median"}}
CONSTANT = {"failover": BOTH, "baseline": {"constant": "on time"}}
VERSION = {"failover": BOTH, "baseline": {"version": "1"}}
READ = {"value": 4.5, "loggedMetric": "training_median", "version": "3", "runId": "run-3"}


def with_baseline(baseline: Any, champion: int = 3, previous: int | None = 2) -> dict[str, Any]:
    return {**serving(champion, previous), "baseline": baseline}


def pinned(endpoint: Any, **facts: Any) -> PinnedBaseline | None:
    return policy.advance(endpoint, endpoint_facts(**facts), PLATFORM).baseline


def rungs(endpoint: Any) -> list[tuple[str, str]]:
    plan = routing.plan(endpoint, PLATFORM)
    assert plan is not None
    return [(one.version, one.rung) for one in plan.ladder]


def deployments(endpoint: Any, **facts: Any) -> dict[str, Any]:
    children = desire(endpoint, endpoint_facts(**facts), PLATFORM).children
    return {made["metadata"]["name"]: made for kind, made in children if kind == DEPLOYMENT}


def said(endpoint: Any, **facts: Any) -> tuple[str, str]:
    """The reason and the message of the condition Ready."""
    gateway = deployment(1, 1)
    given = {"gateway": gateway, "deployments": {"3": deployment(2)}, **facts}
    status = summarize(endpoint, endpoint_facts(**given), PLATFORM, (Done(),)).status
    ready = next(one for one in status.conditions if one.type == "Ready")
    assert ready.status == "True"
    return ready.reason, ready.message


def test_the_metric_of_the_champion_is_asked_for_once() -> None:
    question = FindMetric("m", "3", "training_median")
    assert question in needs(an_endpoint(serving(3), **METRIC), PLATFORM)
    known = an_endpoint(with_baseline(READ), **METRIC)
    assert not any(isinstance(one, FindMetric) for one in needs(known, PLATFORM))
    next_champion = an_endpoint(with_baseline(READ, champion=4), **METRIC)
    assert lowest.question(next_champion) == FindMetric("m", "4", "training_median")
    assert lowest.question(an_endpoint(**METRIC)) is None
    assert lowest.question(an_endpoint(serving(3), failover=["previous"])) is None


def test_what_was_logged_is_pinned_with_where_it_comes_from() -> None:
    found = LoggedMetric("run-3", 4.5)
    endpoint = an_endpoint(serving(3), **METRIC)
    assert pinned(endpoint, metric=found) == PinnedBaseline.model_validate(READ)


@pytest.mark.parametrize("found", [None, LoggedMetric("run-4", None), LoggedMetric("run-4", nan)])
def test_a_champion_without_the_metric_leaves_the_value_before(found: LoggedMetric | None) -> None:
    endpoint = an_endpoint(with_baseline(READ, champion=4, previous=3), **METRIC)
    assert pinned(endpoint, metric=found) == PinnedBaseline.model_validate(READ)
    assert rungs(endpoint) == [("4", "champion"), ("3", "previous"), ("constant", "baseline")]


def test_another_constant_is_taken_at_once() -> None:
    endpoint = an_endpoint(with_baseline({"value": 1}), **CONSTANT)
    assert pinned(endpoint) == PinnedBaseline(value="on time")


def test_a_constant_stands_below_the_version_before() -> None:
    endpoint = an_endpoint(with_baseline({"value": "on time"}), **CONSTANT)
    assert rungs(endpoint) == [("3", "champion"), ("2", "previous"), ("constant", "baseline")]
    plan = routing.plan(endpoint, PLATFORM)
    assert plan is not None
    assert plan.fallbacks[-1].host == "flights-baseline.demo.svc.cluster.local."


def test_without_a_value_there_is_no_such_rung() -> None:
    assert rungs(an_endpoint(serving(3, 2), **METRIC)) == [("3", "champion"), ("2", "previous")]
    assert "flights-baseline" not in deployments(an_endpoint(serving(3, 2), **METRIC))


def test_its_pod_gets_the_answer_and_the_champions_signature() -> None:
    endpoint = an_endpoint(with_baseline({"value": "on time"}), **CONSTANT)
    made = deployments(endpoint)["flights-baseline"]
    spec = made["spec"]["template"]["spec"]
    (server,) = spec["containers"]
    env = {one["name"]: one.get("value") for one in server["env"]}
    assert env["SOLOIST_CONSTANT"] == '"on time"'
    assert env["SOLOIST_MODEL_VERSION"] == "constant"
    assert env["SOLOIST_MODEL_DIR"].startswith("/models/m/3-")
    assert "SOLOIST_ALLOW_PICKLE" not in env
    assert server["resources"]["limits"]["memory"] == "256Mi"
    assert spec["initContainers"][0]["resources"]["limits"]["memory"] == "256Mi"
    assert (made["spec"]["replicas"], made["spec"]["strategy"]["rollingUpdate"]) == (
        1,
        {"maxUnavailable": 0, "maxSurge": 1},
    )


def test_the_gateways_know_its_next_pod_before_it_is_ready() -> None:
    endpoint = an_endpoint(with_baseline({"value": 1}), **CONSTANT)
    children = desire(endpoint, endpoint_facts(), PLATFORM).children
    specs = {made["metadata"]["name"]: made["spec"] for kind, made in children if kind == SERVICE}
    assert specs["flights-baseline"]["publishNotReadyAddresses"] is True
    assert specs["flights-baseline"]["clusterIP"] == "None"


def test_another_champion_has_the_same_pods_replaced_with_none_missing() -> None:
    before = deployments(an_endpoint(with_baseline(READ), **METRIC))["flights-baseline"]
    champion = an_endpoint(with_baseline(READ, champion=4, previous=3), **METRIC)
    after = deployments(champion)["flights-baseline"]
    assert before["spec"]["selector"] == after["spec"]["selector"]
    assert before["spec"]["template"] != after["spec"]["template"]


def test_what_is_not_wanted_any_more_stays_until_no_gateway_asks_it() -> None:
    endpoint = an_endpoint(with_baseline({"value": 1}), failover=["previous"])
    there = {"baseline": deployment(1, 1)}
    gateway = following(endpoint, v3=1)
    unread = {**there, "gateway_pods": gateway["gateway_pods"]}
    assert "flights-baseline" in deployments(endpoint, **unread)
    assert pinned(endpoint, **unread) == PinnedBaseline(value=1)
    assert "flights-baseline" not in deployments(endpoint, **there, **gateway)
    assert pinned(endpoint) is None


def test_a_version_as_baseline_is_resolved_and_kept_on_one_pod() -> None:
    endpoint = an_endpoint(serving(3, 2), replicas={"min": 2}, **VERSION)
    assert "1" in next(
        one.versions for one in needs(endpoint, PLATFORM) if hasattr(one, "versions")
    )
    status = policy.advance(endpoint, endpoint_facts(model=model(1, 3, champion=3)), PLATFORM)
    assert [one.version for one in status.versions] == ["3", "2", "1"]
    assert status.baseline is None
    known = an_endpoint({**serving(3, 2), "versions": [pin(3), pin(2), pin(1)]}, **VERSION)
    assert rungs(known) == [("3", "champion"), ("2", "previous"), ("1", "baseline")]
    assert policy.wanted_pods(known, endpoint_facts(), PLATFORM) == {"3": 1, "2": 1, "1": 1}


@pytest.mark.parametrize(
    ("champion", "previous", "ladder"),
    [
        (1, None, [("1", "champion")]),
        (2, 1, [("2", "champion"), ("1", "previous")]),
    ],
)
def test_a_version_stands_on_its_upper_rung_only(
    champion: int, previous: int | None, ladder: list[tuple[str, str]]
) -> None:
    assert rungs(an_endpoint(serving(champion, previous), **VERSION)) == ladder


def test_the_rung_is_baseline_when_only_its_pod_is_well() -> None:
    endpoint = an_endpoint(with_baseline({"value": 4.5}), **METRIC)
    facts = following(endpoint, v3=0, v2=0, vconstant=1)
    status = policy.advance(endpoint, endpoint_facts(**facts), PLATFORM)
    assert (status.rung, status.rung_time) == ("baseline", "2026-11-23T03:00:00Z")


def test_who_answers_instead_is_said() -> None:
    lost = {"rung": "baseline", "rungTime": "2026-11-23T02:59:00Z"}
    dead = {"deployments": {"3": deployment(0)}}
    endpoint = an_endpoint({**with_baseline(READ), **lost}, **METRIC)
    assert said(endpoint, **dead) == (
        "FailedOver",
        (
            "Failed over to the baseline, which answers 4.5 (training_median of v3) to every row, since"
            " 2026-11-23T02:59:00Z: no pod of v3 or v2 answers."
        ),
    )
    alone = {"failover": ["baseline"], "baseline": {"constant": 7}}
    endpoint = an_endpoint({**with_baseline({"value": 7}), **lost}, **alone)
    assert "which answers 7 to every row, since" in said(endpoint, **dead)[1]
    assert said(endpoint, **dead)[1].endswith("no pod of v3 answers.")
    pins = [pin(3), pin(2), pin(1)]
    endpoint = an_endpoint({**serving(3, 2), **lost, "versions": pins}, **VERSION)
    assert said(endpoint, **dead)[1].startswith("Failed over to the baseline, v1, since")


@pytest.mark.parametrize(
    ("found", "before", "words"),
    [
        (
            LoggedMetric("run-3", None), None,
            ("Run run-3 of v3 logged no metric training_median, and there is no baseline. Log it in the code that trains"
            " the model: mlflow.log_metric('training_median', value); or use baseline.constant."),
        ),
        (
            LoggedMetric("run-3", None), {**READ, "version": "2", "runId": "run-2"},
            "logged no metric training_median, and the baseline still answers 4.5. Log it",
        ),
        (LoggedMetric("run-3", nan), None, "logged nan as training_median, which is no answer"),
        (LoggedMetric("", None), None, "v3 was registered without a run of MLflow"),
    ],
)  # fmt: skip
def test_a_metric_that_is_not_there_is_said_and_the_model_serves_on(
    found: LoggedMetric, before: Any, words: str
) -> None:
    reason, message = said(an_endpoint(with_baseline(before), **METRIC), metric=found)
    assert reason == "BaselineMissing"
    assert message.startswith("Serving v3 of m with 2 of 1 pods. ")
    assert words in message


def test_once_it_is_read_nothing_is_said_of_it() -> None:
    endpoint = an_endpoint(serving(3, 2), **METRIC)
    assert said(endpoint, metric=LoggedMetric("run-3", 4.5))[0] == "Ready"
    down = Problem("MLflowUnreachable", "MLflow does not answer.")
    assert said(endpoint, registry_problem=down)[0] == "MLflowUnreachable"


def test_a_version_that_the_registry_lacks_is_said() -> None:
    endpoint = an_endpoint(serving(3, 2), failover=BOTH, baseline={"version": "9"})
    reason, message = said(endpoint, model=model(3, champion=3))
    assert reason == "BaselineMissing"
    assert "should be v9, which model m does not have: write a version" in message


def test_a_constant_that_does_not_fit_is_said_in_the_pods_words() -> None:
    sentence = "\"late\" can't stand for the model's answer, which is of type float64."
    ended = {"terminated": {"exitCode": 1, "message": sentence}}
    pod = {
        "metadata": {"name": "flights-baseline-1"},
        "status": {"containerStatuses": [{"name": "server", "ready": False, "lastState": ended}]},
    }
    endpoint = an_endpoint(with_baseline({"value": "on time"}), **CONSTANT)
    reason, message = said(endpoint, baseline_pods=(pod,))
    assert reason == "PodFailed"
    assert sentence in message
