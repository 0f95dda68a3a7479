"""Which version is served, and what the registry has to learn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from soloist.core.effects import DropAlias, Effect, RegisteredModel, RegisteredVersion, SetAlias
from soloist.kinds.modelendpoint import policy
from tests.support.kinds import NOW, PLATFORM, an_endpoint, endpoint_facts


def pin(version: int, name: str = "m") -> dict[str, Any]:
    artifact = f"models:/m-{version}"
    return {
        "name": name,
        "version": str(version),
        "artifact": artifact,
        "image": "example/runtime:1",
    }


def model(*versions: int, **aliases: int) -> RegisteredModel:
    known = versions or tuple(aliases.values())
    return RegisteredModel(
        "m",
        {alias: str(version) for alias, version in aliases.items()},
        tuple(RegisteredVersion(str(one), f"run-{one}", f"models:/m-{one}") for one in known),
    )


def deployment(ready: int, *, updated: int | None = None, generation: int = 1) -> dict[str, Any]:
    told = {"readyReplicas": ready, "updatedReplicas": ready if updated is None else updated}
    told["replicas"] = 2
    status = {"observedGeneration": 1, **told}
    return {"metadata": {"name": "d", "generation": generation}, "status": status}


@pytest.mark.parametrize(
    ("status", "known", "version"),
    [
        pytest.param({}, None, None, id="nothing anywhere"),
        pytest.param({}, model(candidate=1), "1", id="the candidate"),
        pytest.param({}, model(champion=1), "1", id="the champion"),
        pytest.param({}, model(champion=1, candidate=2), "2", id="the candidate first"),
        pytest.param({"served": pin(1)}, None, "1", id="the registry is silent"),
        pytest.param({"served": pin(1), "target": pin(2)}, None, "2", id="silent amid a rollout"),
        pytest.param({"served": pin(1)}, model(1), "1", id="no alias is left"),
        pytest.param({"target": pin(1)}, model(1), None, id="no alias, nothing served"),
        pytest.param({"served": pin(1)}, model(1, candidate=7), "1", id="an alias of nothing"),
    ],
)
def test_wanted(status: dict[str, Any], known: RegisteredModel | None, version: str | None) -> None:
    found = policy.wanted(an_endpoint(status), endpoint_facts(model=known), PLATFORM)
    assert (found.version if found else None) == version


def test_what_was_resolved_is_not_resolved_again() -> None:
    moved = RegisteredModel("m", {"champion": "1"}, (RegisteredVersion("1", "r", "models:/other"),))
    found = policy.wanted(an_endpoint({"served": pin(1)}), endpoint_facts(model=moved), PLATFORM)
    assert found is not None
    assert found.artifact == "models:/m-1"


def versions(status: Any) -> tuple[str | None, ...]:
    told = (status.served, status.target, status.retiring)
    return tuple(one.version if one else None for one in told)


ROLLING = {"served": pin(1), "target": pin(2)}


@pytest.mark.parametrize(
    ("status", "facts", "after"),
    [
        pytest.param({}, {"model": model(candidate=1)}, (None, "1", None), id="a target"),
        pytest.param(
            {"target": pin(1)},
            {"model": model(candidate=1), "deployments": {"1": deployment(1)}},
            (None, "1", None),
            id="half ready",
        ),
        pytest.param(
            {"target": pin(1)},
            {"model": model(candidate=1), "deployments": {"1": deployment(2)}},
            ("1", None, None),
            id="ready",
        ),
        pytest.param(
            ROLLING,
            {"model": model(champion=1, candidate=2), "deployments": {"2": deployment(2)}},
            ("2", None, "1"),
            id="the next is ready",
        ),
        pytest.param(
            ROLLING,
            {"deployments": {"2": deployment(2)}},
            ("2", None, "1"),
            id="ready while the registry is silent",
        ),
        pytest.param(
            ROLLING,
            {"model": model(champion=1), "deployments": {"2": deployment(2)}},
            ("1", None, None),
            id="ready, but no longer wanted",
        ),
        pytest.param(
            ROLLING,
            {"model": model(champion=1, candidate=3), "deployments": {"2": deployment(1)}},
            ("1", "3", None),
            id="overtaken",
        ),
        pytest.param(
            ROLLING,
            {"model": model(candidate=2), "deployments": {"2": deployment(2, generation=2)}},
            ("1", "2", None),
            id="its controller has not seen the change yet",
        ),
        pytest.param(
            ROLLING,
            {"model": model(candidate=2), "deployments": {"2": deployment(2, updated=1)}},
            ("1", "2", None),
            id="ready pods of an older template",
        ),
    ],
)
def test_advance(status: dict[str, Any], facts: dict[str, Any], after: tuple[Any, ...]) -> None:
    endpoint = an_endpoint(status, replicas={"min": 2})
    assert versions(policy.advance(endpoint, endpoint_facts(**facts), PLATFORM)) == after


@pytest.mark.parametrize(
    ("selected", "seconds", "after", "changed"),
    [
        pytest.param("1", 60, "1", True, id="not before the Service is switched"),
        pytest.param("2", 9, "1", False, id="not at once"),
        pytest.param("2", 10, None, False, id="after its time"),
    ],
)
def test_retiring(selected: str, seconds: int, after: str | None, changed: bool) -> None:
    since = (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"served": pin(2), "retiring": pin(1), "lastChangeTime": since}
    facts = endpoint_facts(model=model(champion=2), selected=selected)
    found = policy.advance(an_endpoint(status), facts, PLATFORM)
    assert versions(found)[2] == after
    assert (found.last_change_time != since) == changed


@pytest.mark.parametrize(
    ("served", "known", "effects"),
    [
        pytest.param(None, model(candidate=1), (), id="nothing is served"),
        pytest.param(pin(1), None, (), id="the registry is silent"),
        pytest.param(pin(1), model(champion=1), (), id="it knows"),
        pytest.param(
            pin(1), model(champion=1, candidate=2), (), id="the candidate is not served yet"
        ),
        pytest.param(pin(1, "other"), model(candidate=1), (), id="a number of another model"),
        pytest.param(
            pin(1),
            model(candidate=1),
            (SetAlias("m", "champion", "1"), DropAlias("m", "candidate", "1")),
            id="the first",
        ),
        pytest.param(
            pin(2),
            model(champion=1, candidate=2),
            (
                SetAlias("m", "previous", "1"),
                SetAlias("m", "champion", "2"),
                DropAlias("m", "candidate", "2"),
            ),
            id="the second",
        ),
        pytest.param(
            pin(2),
            model(champion=2, candidate=2, previous=1),
            (DropAlias("m", "candidate", "2"),),
            id="cut before the last",
        ),
    ],
)
def test_promotion(
    served: dict[str, Any] | None, known: RegisteredModel | None, effects: tuple[Effect, ...]
) -> None:
    endpoint = an_endpoint({"served": served} if served else {})
    assert policy.promotion(endpoint, endpoint_facts(model=known)) == effects
