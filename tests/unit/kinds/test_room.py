"""How many pods a namespace's quotas leave room for."""

from __future__ import annotations

from typing import Any

import pytest

from soloist.kinds.modelendpoint.queries import number
from soloist.kinds.modelendpoint.room import room


def quota(hard: dict[str, str], used: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {"spec": spec, "status": {"hard": hard, "used": used}}


@pytest.mark.parametrize(
    ("quotas", "left"),
    [
        ((), None),
        ((quota({"pods": "10"}, {"pods": "7"}),), 3),
        ((quota({"requests.memory": "4Gi"}, {"requests.memory": "1Gi"}),), 3),
        ((quota({"requests.cpu": "1"}, {"requests.cpu": "900m"}),), 0),
        ((quota({"limits.memory": "2Gi"}, {}), quota({"pods": "1"}, {})), 1),
        ((quota({"pods": "1"}, {"pods": "3"}),), 0),
        ((quota({"secrets": "1"}, {}),), None),
        ((quota({"pods": "1"}, {}, scopes=["BestEffort"]),), None),
    ],
)
def test_room(quotas: tuple[dict[str, Any], ...], left: int | None) -> None:
    assert room(quotas, "500m", "1Gi") == left


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"data": {"resultType": "scalar", "result": [0, "1.5"]}}', 1.5),
        ('{"data": {"resultType": "vector", "result": [{"value": [0, "2"]}]}}', 2.0),
        ('{"data": {"resultType": "vector", "result": []}}', None),
        (
            '{"data": {"resultType": "vector", "result": [{"value": [0, "2"]}, {"value": [0, "3"]}]}}',
            None,
        ),
        ('{"status": "error"}', None),
        ("", None),
    ],
)
def test_the_number_of_a_query(text: str, value: float | None) -> None:
    assert number(text) == value
