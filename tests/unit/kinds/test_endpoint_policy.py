"""How the world is put into the rollout's words, and which pods stay."""

from __future__ import annotations

from typing import Any

import pytest

from soloist.core.effects import RegisteredModel, RegisteredVersion
from soloist.gateway.readings import parse_reading
from soloist.kinds.modelendpoint import policy, routing
from soloist.kinds.modelendpoint.status import summarize
from tests.support.gateway_page import page
from tests.support.kinds import NOW, PLATFORM, an_endpoint, endpoint_facts


def pin(version: int) -> dict[str, Any]:
    artifact = f"models:/m-{version}"
    return {
        "name": "m",
        "version": str(version),
        "artifact": artifact,
        "image": "example/runtime:1",
    }


def model(*versions: int, **aliases: int) -> RegisteredModel:
    return RegisteredModel(
        "m",
        {alias: str(version) for alias, version in aliases.items()},
        tuple(RegisteredVersion(str(one), f"run-{one}", f"models:/new-{one}") for one in versions),
    )


def deployment(ready: int, replicas: int = 2, **status: Any) -> dict[str, Any]:
    told = {"readyReplicas": ready, "updatedReplicas": replicas, "replicas": replicas}
    return {
        "metadata": {"name": "d", "generation": 1},
        "spec": {"replicas": replicas},
        "status": {"observedGeneration": 1, **told, **status},
    }


def serving(champion: int, previous: int | None = None, **release: Any) -> dict[str, Any]:
    pins = [pin(one) for one in (champion, previous) if one is not None]
    told = {"champion": str(champion), "championAlias": str(champion), **release}
    if previous is not None:
        told["previous"] = str(previous)
    return {"served": pin(champion), "versions": pins, "release": told}


def rolling(version: int, stage: str, **rollout: Any) -> dict[str, Any]:
    status = serving(1)
    told = {"version": str(version), "stage": stage, "since": "2026-11-23T02:59:00Z", **rollout}
    status["versions"].append(pin(version))
    status["release"]["rollout"] = told
    return status


def following(
    endpoint: Any, gateway: str = "g", ready: str = "True", **healthy: int
) -> dict[str, Any]:
    """Facts of one gateway pod that follows its files."""
    plan = routing.plan(endpoint, PLATFORM)
    assert plan is not None
    seen = {version.removeprefix("v"): pods for version, pods in healthy.items()}
    told = {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}
    pod = {"metadata": {"name": gateway}, "status": told}
    return {"gateway_pods": (pod,), "readings": {gateway: parse_reading(page(plan, seen))}}


def test_what_was_resolved_is_not_resolved_again() -> None:
    facts = endpoint_facts(model=model(1, 2, champion=1, candidate=2))
    status = policy.advance(an_endpoint(serving(1)), facts, PLATFORM)
    assert [(one.version, one.artifact) for one in status.versions] == [
        ("1", "models:/m-1"),
        ("2", "models:/new-2"),
    ]
    assert (status.served, status.target) == (status.versions[0], status.versions[1])


@pytest.mark.parametrize("alias", ["candidate", "champion"])
def test_an_alias_of_a_version_that_is_gone_asks_for_nothing(alias: str) -> None:
    facts = endpoint_facts(model=model(1, **{alias: 7}))
    status = policy.advance(an_endpoint(serving(1)), facts, PLATFORM)
    assert status.target is None
    assert status.release.rollout is None


def test_a_silent_registry_changes_nothing() -> None:
    endpoint = an_endpoint(rolling(2, "Deploying"))
    assert policy.advance(endpoint, endpoint_facts(), PLATFORM).release == endpoint.status.release


def test_the_version_before_is_kept_on_one_pod() -> None:
    endpoint = an_endpoint(serving(2, previous=1), replicas={"min": 3})
    assert policy.wanted_pods(endpoint, endpoint_facts(), PLATFORM) == {"2": 3, "1": 1}


def test_without_failover_it_is_not() -> None:
    endpoint = an_endpoint(serving(2, previous=1), failover=[])
    assert policy.wanted_pods(endpoint, endpoint_facts(), PLATFORM) == {"2": 1}


def test_pods_that_a_gateway_may_still_ask_stay() -> None:
    endpoint = an_endpoint({**serving(2), "versions": [pin(2), pin(1)]})
    deployments = {"1": deployment(2), "2": deployment(2)}
    gateway = following(endpoint, v2=2)

    followed = endpoint_facts(deployments=deployments, **gateway)
    assert policy.wanted_pods(endpoint, followed, PLATFORM) == {"2": 1}

    silent = endpoint_facts(deployments=deployments, gateway_pods=gateway["gateway_pods"])
    assert policy.wanted_pods(endpoint, silent, PLATFORM) == {"2": 1, "1": 2}


@pytest.mark.parametrize(
    ("healthy", "rung"),
    [
        ({"v2": 1, "v1": 1}, "champion"),
        ({"v2": 0, "v1": 1}, "previous"),
        ({"v2": 0, "v1": 0}, "none"),
    ],
)
def test_the_rung_is_the_first_with_a_healthy_pod(healthy: dict[str, int], rung: str) -> None:
    endpoint = an_endpoint(serving(2, previous=1))
    facts = endpoint_facts(**following(endpoint, **healthy))
    status = policy.advance(endpoint, facts, PLATFORM)
    assert (status.rung, status.rung_time) == (rung, "2026-11-23T03:00:00Z")


def test_a_stage_is_live_when_every_gateway_follows_it() -> None:
    endpoint = an_endpoint(rolling(2, "Canary", weight=10), rollout={"canary": [10]})
    gateway = following(endpoint, v1=1, v2=1)
    live = policy.world(endpoint, endpoint_facts(**gateway), PLATFORM).live
    assert live is not None
    assert (dict(live.weights), live.shadow) == ({"1": 90, "2": 10}, None)
    two = (*gateway["gateway_pods"], {"metadata": {"name": "h"}, "status": {"phase": "Running"}})
    gateway["gateway_pods"] = two
    assert policy.world(endpoint, endpoint_facts(**gateway), PLATFORM).live is None


def test_pods_tell_restarts_and_since_when_none_is_ready() -> None:
    ended = {"terminated": {"reason": "OOMKilled", "finishedAt": "2026-11-23T02:58:00Z"}}
    pod = {
        "metadata": {"name": "p"},
        "status": {
            "containerStatuses": [{"name": "server", "restartCount": 3, "lastState": ended}]
        },
    }
    unavailable = {
        "type": "Available",
        "status": "False",
        "lastTransitionTime": "2026-11-23T02:59:00Z",
    }
    lost = deployment(0, conditions=[unavailable])
    facts = endpoint_facts(deployments={"1": lost}, pods={"1": (pod,)})
    seen = policy.world(an_endpoint(serving(1)), facts, PLATFORM).pods["1"]
    assert (seen.restarts, seen.out_of_memory, seen.ready) == (3, 1, 0)
    assert seen.failing_since is not None
    assert (NOW - seen.failing_since).total_seconds() == 60


@pytest.mark.parametrize(
    ("healthy", "ready", "message"),
    [
        (1, "True", "Serving v2 of m with 1 of 1 pods."),
        (0, "False", "The gateway is about to find the pods of v2."),
    ],
)
def test_ready_is_said_when_a_gateway_knows_a_pod(healthy: int, ready: str, message: str) -> None:
    endpoint = an_endpoint(serving(2))
    facts = endpoint_facts(
        deployments={"2": deployment(1)}, gateway=deployment(1), **following(endpoint, v2=healthy)
    )
    said = summarize(endpoint, facts, PLATFORM, ())
    told = said.status.model_dump()
    assert {one["type"]: one["status"] for one in told["conditions"]}["Ready"] == ready
    assert told["summary"].startswith(message)


def gateways(endpoint: Any, *seen: tuple[str, int]) -> dict[str, Any]:
    """Facts of gateway pods, each with its Ready condition and how many pods of v2 it knows to be well."""
    each = [
        following(endpoint, f"g{number}", ready, v2=healthy)
        for number, (ready, healthy) in enumerate(seen)
    ]
    return {
        "gateway_pods": tuple(pod for one in each for pod in one["gateway_pods"]),
        "readings": {name: page for one in each for name, page in one["readings"].items()},
    }


@pytest.mark.parametrize(
    ("seen", "least", "rung"),
    [
        ((("True", 1), ("True", 1)), 1, "champion"),
        ((("True", 1), ("True", 0)), 1, "none"),
        ((("True", 1), ("False", 0)), 1, "champion"),
        ((("False", 1), ("False", 0)), 1, "champion"),
        ((("True", 1), ("True", 0)), 0, "champion"),
        ((("True", 0), ("True", 0)), 0, "none"),
    ],
    ids=["both", "one", "the other takes none", "neither takes any", "one, the other holds", "nobody"],
)  # fmt: skip
def test_somebody_answers_when_each_gateway_that_clients_reach_knows_a_pod(
    seen: tuple[tuple[str, int], ...], least: int, rung: str
) -> None:
    endpoint = an_endpoint(serving(2), replicas={"min": least})
    facts = endpoint_facts(deployments={"2": deployment(1)}, **gateways(endpoint, *seen))
    assert policy.advance(endpoint, facts, PLATFORM).rung == rung
