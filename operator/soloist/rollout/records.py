"""The few ways in which a record changes."""

from __future__ import annotations

from datetime import datetime

from soloist.api.conditions import rfc3339
from soloist.api.v1alpha1.rollout_status import (
    MAX_REFUSED,
    AbortReason,
    Refused,
    RolloutRecord,
    RolloutStatus,
    StageKind,
)
from soloist.rollout.world import CHAMPION, World

ENDED = ("Promoted", "Aborted", "Withdrawn")


def active(record: RolloutRecord) -> RolloutStatus | None:
    """The rollout under way."""
    rollout = record.rollout
    return rollout if rollout is not None and rollout.stage not in ENDED else None


def put(record: RolloutRecord, rollout: RolloutStatus) -> RolloutRecord:
    """The record with this rollout. A fresh one takes nothing over from the one before."""
    return record.model_copy(update={"rollout": rollout})


def enter(
    record: RolloutRecord, rollout: RolloutStatus, now: datetime, stage: StageKind, **update: object
) -> RolloutRecord:
    """A new stage begins, with numbers of its own unless it says otherwise."""
    fresh: dict[str, object] = {"stage": stage, "since": rfc3339(now), "live_since": None, **update}
    return put(record, rollout.model_copy(update=fresh))


def promote(record: RolloutRecord, rollout: RolloutStatus, world: World) -> RolloutRecord:
    """The version is champion; where the alias stood is remembered, so that our change of it is not taken for a person's."""
    ended = rollout.model_copy(update={"stage": "Promoted", "weight": 100})
    before = record.champion
    update: dict[str, object] = {
        "champion": rollout.version,
        "previous": before if before and not is_refused(record, before) else None,
        "champion_alias": alias_memory(record, world),
    }
    if rollout.asked_by == "Promote":
        update["answered"] = record.answered.model_copy(update={"promote": rollout.version})
    return forgive(put(record, ended), rollout.version).model_copy(update=update)


def abort(
    record: RolloutRecord, rollout: RolloutStatus, reason: AbortReason, message: str, now: datetime
) -> RolloutRecord:
    """Everything back to the champion."""
    ended = _ended(rollout, "Aborted", reason, message, now)
    return refuse(put(record, ended), rollout.version, reason, message, now)


def withdraw(record: RolloutRecord, rollout: RolloutStatus, now: datetime) -> RolloutRecord:
    """Nobody asks for the version any more. It did nothing wrong, and may come again."""
    message = f"the alias of v{rollout.version} was taken away"
    return put(record, _ended(rollout, "Withdrawn", "Withdrawn", message, now))


def _ended(
    rollout: RolloutStatus, stage: StageKind, reason: AbortReason, message: str, now: datetime
) -> RolloutStatus:
    return rollout.model_copy(
        update={
            "stage": stage,
            "weight": 0,
            "since": rfc3339(now),
            "reason": reason,
            "message": message[:1024],
        }
    )


def refuse(
    record: RolloutRecord, version: str, reason: AbortReason, message: str, now: datetime
) -> RolloutRecord:
    """The version is not tried again by itself."""
    others = forgive(record, version).refused
    last = Refused(version=version, time=rfc3339(now), reason=reason, message=message[:512])
    return record.model_copy(update={"refused": [*others, last][-MAX_REFUSED:]})


def forgive(record: RolloutRecord, version: str) -> RolloutRecord:
    """The version may be tried again."""
    kept = [one for one in record.refused if one.version != version]
    return record.model_copy(update={"refused": kept})


def is_refused(record: RolloutRecord, version: str) -> bool:
    """Whether the version was refused and nobody asked for it since."""
    return any(one.version == version for one in record.refused)


def alias_memory(record: RolloutRecord, world: World) -> str | None:
    """Where the alias `champion` stands, as far as is known."""
    return world.alias(CHAMPION) if world.registry is not None else record.champion_alias
