"""When an endpoint's pods go, and what brings them back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from soloist.gateway.readings import Reading, parse_reading
from soloist.kinds.modelendpoint import KIND, policy, sleep
from soloist.kinds.modelendpoint.desired import desire
from tests.support.kinds import NOW, PLATFORM, an_endpoint, endpoint_facts
from tests.unit.kinds.test_endpoint_policy import deployment, model, pin, rolling, serving

LONG_AGO = "2026-11-23T01:00:00Z"
JUST_NOW = "2026-11-23T02:59:50Z"
POD = {
    "metadata": {"name": "g", "namespace": "demo", "uid": "uid-g"},
    "status": {"phase": "Running", "podIP": "10.0.0.7"},
}


def counted(answers: int, refused: int = 0) -> Reading:
    """A gateway that sent on so many answers of a version, and refused so many requests itself."""
    told = 'envoy_soloist_answers{version="%s",rung="%s",code="200",flags="-"} %d\n'
    return parse_reading(told % ("1", "champion", answers) + told % ("-", "-", refused))


def facts(
    answers: int | None = 7, refused: int = 0, *, held: int = 0, pods: int = 1, **more: Any
) -> Any:
    readings = {"g": counted(answers, refused)} if answers is not None else {}
    given = {
        "deployments": {"1": deployment(pods, pods)},
        "gateway_pods": (POD,),
        "readings": readings,
    }
    return endpoint_facts(**{**given, "held": held, **more})


def endpoint(status: Any = None, replicas: Any = None, **activity: Any) -> Any:
    known = {"lastRequestTime": LONG_AGO, "requests": 7, **activity}
    told = {**(status or serving(1)), "activity": known}
    return an_endpoint(told, replicas={"min": 0, **(replicas or {})})


def next_of(it: Any, seen: Any) -> dict[str, Any]:
    activity = sleep.advance(it, seen)
    assert activity is not None
    return activity.manifest()


def test_where_pods_never_go_nothing_is_remembered() -> None:
    assert sleep.advance(an_endpoint(serving(1), replicas={"min": 1}), facts()) is None


def test_it_falls_asleep_when_nobody_asked_for_long() -> None:
    assert next_of(endpoint(), facts())["asleepSince"] == "2026-11-23T03:00:00Z"


@pytest.mark.parametrize(
    ("it", "seen"),
    [
        pytest.param(endpoint(lastRequestTime=JUST_NOW), facts(), id="a request just now"),
        pytest.param(endpoint(), facts(8), id="one more was answered"),
        pytest.param(endpoint(), facts(3), id="a gateway began to count anew, and counts"),
        pytest.param(endpoint(), facts(held=1), id="one waits"),
        pytest.param(endpoint(), facts(None), id="a gateway that can't be asked"),
        pytest.param(endpoint(rolling(2, "Canary", weight=10)), facts(), id="a rollout"),
        pytest.param(endpoint(wakingSince=JUST_NOW), facts(pods=0), id="its first pod starts"),
        pytest.param(
            endpoint({**serving(1), "lastChangeTime": JUST_NOW}), facts(), id="a new champion"
        ),
        pytest.param(endpoint(replicas={"idleAfter": "3h"}), facts(), id="not long enough"),
    ],
)
def test_it_stays_awake(it: Any, seen: Any) -> None:
    assert "asleepSince" not in next_of(it, seen)


def test_what_the_gateway_refuses_itself_keeps_nobody_awake() -> None:
    assert "asleepSince" in next_of(endpoint(), facts(7, refused=1000))


def test_a_request_that_may_still_be_answered_is_waited_for() -> None:
    told = {**serving(1), "activity": {"lastRequestTime": "2026-11-23T02:59:30Z", "requests": 7}}
    it = an_endpoint(told, replicas={"min": 0, "idleAfter": "5s"}, gateway={"timeout": "1m"})
    assert "asleepSince" not in next_of(it, facts())


def test_a_busy_endpoint_writes_once_in_a_while() -> None:
    fresh = endpoint(lastRequestTime=JUST_NOW)
    assert next_of(fresh, facts(500)) == fresh.status.activity.manifest()
    old = endpoint(lastRequestTime="2026-11-23T02:59:00Z")
    assert next_of(old, facts(500)) == {"lastRequestTime": "2026-11-23T03:00:00Z", "requests": 500}


def test_requests_while_the_operator_was_away_are_seen_by_the_count() -> None:
    """No memory but status: the first look of a new process knows."""
    assert next_of(endpoint(), facts(9))["lastRequestTime"] == "2026-11-23T03:00:00Z"
    assert "asleepSince" in next_of(endpoint(), facts(7))


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        pytest.param(facts(held=1, pods=0), None, id="a request waits"),
        pytest.param(facts(None, held=1, pods=0), None, id="one waits, and a gateway is silent"),
        pytest.param(facts(8, pods=0), None, id="one was answered at the last moment"),
        pytest.param(facts(pods=0), rolling(2, "Deploying"), id="a new version"),
    ],
)
def test_it_wakes(seen: Any, status: Any) -> None:
    told = next_of(endpoint(status, asleepSince=JUST_NOW), seen)
    assert "asleepSince" not in told
    assert told["wakingSince"] == told["lastRequestTime"] == "2026-11-23T03:00:00Z"


def test_a_gateway_that_begins_anew_wakes_nobody() -> None:
    told = next_of(endpoint(asleepSince=JUST_NOW), facts(0, pods=0))
    assert (told["requests"], told["asleepSince"]) == (0, JUST_NOW)


def test_it_is_awake_with_its_first_ready_pod() -> None:
    waking = {"lastRequestTime": JUST_NOW, "wakingSince": JUST_NOW}
    assert "wakingSince" in next_of(endpoint(**waking), facts(pods=0))
    assert "wakingSince" not in next_of(endpoint(**waking), facts(pods=1))


def test_asleep_every_version_has_no_pod_and_nobody_scales() -> None:
    it = endpoint(serving(2, previous=1), asleepSince=JUST_NOW, replicas={"max": 3})
    seen = facts(deployments={"1": deployment(1, 1), "2": deployment(2, 2)})
    assert policy.wanted_pods(it, seen, PLATFORM) == {"2": 0, "1": 0}
    kinds = {kind.kind for kind, _ in desire(it, seen, PLATFORM).children}
    assert "HorizontalPodAutoscaler" not in kinds
    awake = endpoint(serving(2, previous=1), replicas={"max": 3})
    assert policy.wanted_pods(awake, facts(deployments={}), PLATFORM) == {"2": 1, "1": 1}


def test_more_pods_by_the_spec_wake_it_at_once() -> None:
    it = an_endpoint(
        {**serving(1), "activity": {"lastRequestTime": LONG_AGO, "asleepSince": LONG_AGO}},
        replicas={"min": 2},
    )
    assert policy.wanted_pods(it, facts(pods=0), PLATFORM) == {"1": 2}


def said(it: Any, seen: Any) -> Any:
    return KIND.summarize(it, seen, PLATFORM, ())


def test_asleep_it_is_ready_and_says_what_the_next_request_does() -> None:
    it = endpoint({**serving(1), "rung": "champion", "rungTime": LONG_AGO}, asleepSince=JUST_NOW)
    gateway = deployment(1, 1)
    summary = said(it, facts(pods=0, gateway=gateway, model=model(1, champion=1)))
    status = summary.status.manifest()
    ready = next(one for one in status["conditions"] if one["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("True", "Asleep")
    assert ready["message"] == (
        f"Asleep since {JUST_NOW}: nobody asked for 10m. The next request wakes v1 and waits for it, at most 1m."
    )
    assert status["rung"] == "champion"
    assert summary.doors == ("http://10.0.0.7:9903/held",)


def test_waking_it_is_ready_until_it_takes_too_long() -> None:
    gateway = deployment(1, 1)
    it = endpoint(wakingSince=JUST_NOW, lastRequestTime=JUST_NOW)
    summary = said(it, facts(pods=0, held=1, gateway=gateway))
    ready = next(one for one in summary.status.conditions if one.type == "Ready")
    assert (ready.status, ready.reason, summary.doors) == ("True", "Waking", ())
    late = said(it, facts(pods=0, held=1, gateway=gateway, now=NOW + timedelta(minutes=2)))
    ready = next(one for one in late.status.conditions if one.type == "Ready")
    assert (ready.status, ready.reason) == ("False", "Deploying")


def test_pins_stay_while_it_sleeps() -> None:
    it = endpoint(asleepSince=JUST_NOW)
    assert [one.artifact for one in policy.advance(it, facts(pods=0), PLATFORM).versions] == [
        pin(1)["artifact"]
    ]
