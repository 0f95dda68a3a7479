"""The one status write, and what the loop itself has to say when no kind can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from soloist.api.conditions import Condition, ConditionType, Reason, rfc3339, set_conditions
from soloist.api.parse import parse_metadata
from soloist.control.ports import Ports
from soloist.core.kind import Kind
from soloist.core.objects import Manifest, ObjectRef

INTERNAL_ERROR = (
    "A fault in Soloist itself stopped its work on this object; it is tried again. The operator's log has the "
    "details: kubectl logs deployment/soloist-operator."
)


async def say(ref: ObjectRef, body: Manifest, status: Mapping[str, Any], ports: Ports) -> bool:
    """Write the status if it is not what the object says already; whether it was written."""
    if status == (body.get("status") or {}):
        return False
    await ports.cluster.apply_status(ref, body["metadata"]["uid"], status)
    ports.meter.acted("status", ref.kind.kind)
    return True


def trouble(
    kind: Kind[Any],
    body: Manifest,
    reason: Reason,
    message: str,
    ports: Ports,
    *,
    ready: Literal["False", "Unknown"] = "False",
    stalled: bool = False,
) -> dict[str, Any]:
    """The status of an object that its kind could not be asked about: everything it said before, with new conditions."""
    before = _status_before(kind, body)
    generation = parse_metadata(body).generation
    now = rfc3339(ports.clock.now())

    def condition(name: ConditionType, status: Literal["True", "False", "Unknown"]) -> Condition:
        return Condition(
            type=name,
            status=status,
            reason=reason,
            message=message,
            last_transition_time=now,
            observed_generation=generation,
        )

    wanted = (
        condition(ConditionType.READY, ready),
        condition(ConditionType.PROGRESSING, "False"),
        condition(ConditionType.STALLED, "True" if stalled else "False"),
    )
    conditions = set_conditions(before.conditions, wanted)
    said = before.model_copy(
        update={
            "observed_generation": generation,
            "summary": message[:4096],
            "conditions": list(conditions),
        }
    )
    manifest: dict[str, Any] = said.manifest()
    return manifest


def _status_before(kind: Kind[Any], body: Manifest) -> Any:
    """What the object said, or nothing if no model reads it."""
    try:
        return kind.resource.status.model_validate(body.get("status") or {})
    except ValueError:
        return kind.resource.status()
