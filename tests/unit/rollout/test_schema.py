"""The models of a rollout as part of a CustomResourceDefinition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import Field, ValidationError

from soloist.api.fields import Model
from soloist.api.forms import VALIDATIONS
from soloist.api.schema import structural
from soloist.api.v1alpha1.rollout import Rollout
from soloist.api.v1alpha1.rollout_status import RolloutRecord


class Spec(Model):
    """A spec with a rollout."""

    rollout: Rollout | None = None
    """How a new version takes over."""


class Status(Model):
    """A status with its record."""

    versions: RolloutRecord = Field(default_factory=RolloutRecord)
    """What was decided."""


def nodes(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")


ALL = [*nodes(structural(Spec), "spec"), *nodes(structural(Status, defaults=False), "status")]


def test_an_empty_rollout_is_enough_and_its_defaults_show() -> None:
    fields = structural(Spec)["properties"]["rollout"]["properties"]
    assert fields["stepDuration"]["default"] == "1m"
    assert fields["gates"]["default"] == {}
    assert fields["gates"]["properties"]["errorRate"]["properties"]["atMost"]["default"] == 0.3
    assert Rollout().canary == [10, 50]
    assert Spec.model_validate({"rollout": {}}).rollout == Rollout()


@pytest.mark.parametrize(("path", "node"), ALL, ids=[path for path, _ in ALL])
def test_every_field_is_described_and_every_text_and_list_has_an_end(
    path: str, node: dict[str, Any]
) -> None:
    assert node.get("description") or path.endswith("[]")
    if node.get("type") == "array":
        assert "maxItems" in node
    if node.get("type") == "string" and node.get("format") != "date-time":
        assert "maxLength" in node or "enum" in node


def test_rules_say_what_to_do() -> None:
    said = {rule["message"] for _, node in ALL for rule in node.get(VALIDATIONS, ())}
    assert any("must rise" in message for message in said)
    assert any("keep one of requests and duration" in message for message in said)
    assert any("pauseAt may only name percentages of canary" in message for message in said)


@pytest.mark.parametrize(
    "rollout",
    [{"canary": [0]}, {"canary": [100]}, {"canary": list(range(1, 12))}, {"maxSurge": -1}, {"sticky": "a b"},
     {"stepDuration": "0s"}, {"gates": {"errorRate": {"atMost": 0}}}, {"onTimeout": "Promote"}],
    ids=str,
)  # fmt: skip
def test_what_no_rollout_can_be_is_refused(rollout: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rollout.model_validate(rollout)


def test_a_status_that_was_written_reads_back_the_same() -> None:
    record = RolloutRecord.model_validate(
        {
            "champion": "3",
            "rollout": {"version": "4", "stage": "Canary", "since": "2026-11-01T00:00:00Z"},
            "refused": [
                {"version": "2", "time": "2026-11-01T00:00:00Z", "reason": "Sick", "message": "x"}
            ],
        }
    )
    assert RolloutRecord.model_validate(record.manifest()) == record
