"""How many pods there are where their number follows the load."""

from __future__ import annotations

from typing import Any

import pytest

from soloist.api.platform import Platform
from soloist.kinds.modelendpoint import policy, scaling
from soloist.kinds.modelendpoint.desired import desire
from tests.support.kinds import PLATFORM, an_endpoint, endpoint_facts
from tests.unit.kinds.test_endpoint_policy import deployment, rolling, serving

ELASTIC = {"min": 2, "max": 6}


def facts(champion: int, **more: Any) -> Any:
    """The champion's Deployment was told to have so many pods, and has them."""
    return endpoint_facts(deployments={"1": deployment(champion, champion), **more})


def autoscaler(endpoint: Any, live: int, platform: Platform = PLATFORM) -> Any:
    return scaling.autoscaler(endpoint, facts(live), platform)


@pytest.mark.parametrize(("live", "wanted"), [(2, 2), (5, 5), (9, 6), (1, 2), (0, 2)])
def test_what_the_autoscaler_chose_is_asked_for_again(live: int, wanted: int) -> None:
    endpoint = an_endpoint(serving(1), replicas=ELASTIC)
    assert policy.wanted_pods(endpoint, facts(live), PLATFORM) == {"1": wanted}


@pytest.mark.parametrize(
    "replicas", [{"min": 2}, {"min": 2, "max": 2}, {"min": 0}, {"min": 0, "max": 1}]
)
def test_without_a_range_the_spec_says_the_number_and_nobody_scales(replicas: Any) -> None:
    endpoint = an_endpoint(serving(1), replicas=replicas)
    assert policy.wanted_pods(endpoint, facts(5), PLATFORM) == {"1": max(1, replicas["min"])}
    assert autoscaler(endpoint, 5) is None


def test_the_champion_is_scaled_between_the_bounds_fast_up_and_slowly_down() -> None:
    spec = autoscaler(an_endpoint(serving(1), replicas=ELASTIC), 4)["spec"]
    assert spec["scaleTargetRef"]["name"] == "flights-v1"
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 6)
    behavior = spec["behavior"]
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 300


def test_an_endpoint_that_may_sleep_is_scaled_from_one_pod_on() -> None:
    spec = autoscaler(an_endpoint(serving(1), replicas={"min": 0, "max": 3}), 1)["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 3)


def test_the_platform_says_by_what_it_is_scaled() -> None:
    endpoint = an_endpoint(serving(1), replicas={**ELASTIC, "inFlight": 10})
    by_cpu = autoscaler(endpoint, 2)["spec"]["metrics"]
    assert by_cpu[0]["resource"]["target"]["averageUtilization"] == scaling.CPU_PERCENT
    told = {"runtimes": {"default": {"image": "r:1"}}, "autoscaling": {"metric": "inFlight"}}
    by_requests = autoscaler(endpoint, 2, Platform.model_validate(told))["spec"]["metrics"]
    assert by_requests[0]["pods"]["metric"]["name"] == "soloist_serving_in_flight_requests"
    assert by_requests[0]["pods"]["target"]["averageValue"] == "10"


def test_a_new_version_gets_as_many_pods_as_the_champion_has_and_is_not_promoted_with_fewer() -> (
    None
):
    endpoint = an_endpoint(rolling(2, "Deploying"), replicas=ELASTIC)
    starting = facts(5, **{"2": deployment(4, 5)})
    assert policy.wanted_pods(endpoint, starting, PLATFORM) == {"1": 5, "2": 5}
    assert policy.advance(endpoint, starting, PLATFORM).release.champion == "1"
    ready = facts(5, **{"2": deployment(5, 5)})
    assert policy.advance(endpoint, ready, PLATFORM).release.champion == "2"


def test_once_promoted_it_keeps_them() -> None:
    endpoint = an_endpoint(serving(2, previous=1), replicas=ELASTIC, failover=[])
    followed = endpoint_facts(deployments={"1": deployment(5, 5), "2": deployment(5, 5)})
    assert policy.wanted_pods(endpoint, followed, PLATFORM)["2"] == 5


def test_while_a_new_version_takes_traffic_over_the_champion_loses_no_pod() -> None:
    endpoint = an_endpoint(rolling(2, "Canary", weight=50), rollout={}, replicas=ELASTIC)
    assert autoscaler(endpoint, 5)["spec"]["minReplicas"] == 5


def test_an_exchange_in_place_counts_the_pods_itself_to_the_number_that_there_were() -> None:
    status = rolling(2, "Swapping", inPlace=True, surge=0, pods=4)
    endpoint = an_endpoint(status, rollout={}, replicas=ELASTIC)
    halfway = facts(2, **{"2": deployment(2, 2)})
    assert policy.wanted_pods(endpoint, halfway, PLATFORM) == {"1": 1, "2": 3}
    assert scaling.autoscaler(endpoint, halfway, PLATFORM) is None
    last = facts(1, **{"2": deployment(4, 4)})
    assert policy.advance(endpoint, last, PLATFORM).release.champion == "2"


def test_an_exchange_remembers_how_many_pods_there_were() -> None:
    told = {"inPlace": True, "surge": 0, "since": "2026-11-23T02:50:00Z"}
    endpoint = an_endpoint(rolling(2, "Deploying", **told), rollout={}, replicas=ELASTIC)
    rollout = policy.advance(
        endpoint, endpoint_facts(deployments={"1": deployment(5, 5)}, room=0), PLATFORM
    ).release.rollout
    assert rollout is not None
    assert (rollout.stage, rollout.pods) == ("Swapping", 5)


def test_the_autoscaler_is_a_child_of_the_endpoint() -> None:
    endpoint = an_endpoint(serving(1), replicas=ELASTIC)
    kinds = [kind.kind for kind, _ in desire(endpoint, facts(3), PLATFORM).children]
    assert kinds.index("HorizontalPodAutoscaler") > kinds.index("Deployment")
