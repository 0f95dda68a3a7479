"""What a person asked for: by an annotation, which is obeyed once, or by moving an alias in MLflow.

Every wish is a state of the world, not an event: it is seen again at each look until the record says that it was met. The one
question that needs a memory is who moved the alias `champion`: after a promotion it still stands where it stood, until our own
change is through, and that is no wish to go back. `championAlias` remembers where it was last seen.
"""

from __future__ import annotations

from datetime import datetime

from soloist.api.conditions import rfc3339
from soloist.api.v1alpha1.rollout_status import RolloutRecord, RolloutStatus
from soloist.rollout.records import abort, active, forgive, is_refused, put, refuse, withdraw
from soloist.rollout.world import CANDIDATE, CHAMPION, PROMOTE, RETRY, ROLLBACK, World


def confirm_alias(record: RolloutRecord, world: World) -> RolloutRecord:
    """Remembers that the alias stands where it should."""
    seen = world.alias(CHAMPION)
    if seen is None or seen != record.champion or record.champion_alias == seen:
        return record
    return record.model_copy(update={"champion_alias": seen})


def alias_is_due(record: RolloutRecord, world: World) -> bool:
    """Whether the alias `champion` still stands where it stood before our last decision."""
    seen = world.alias(CHAMPION)
    if world.registry is None or record.champion is None or seen == record.champion:
        return False
    if record.champion_alias == record.champion:
        return False
    # None: no memory yet (an endpoint from before there was one); a candidate that is served is then the mark of an unfinished promotion.
    is_unfinished = record.champion_alias is None and world.alias(CANDIDATE) == record.champion
    return seen is None or seen == record.champion_alias or is_unfinished


def alias_wish(record: RolloutRecord, world: World) -> str | None:
    """The version to which a person moved the alias `champion`, if one did."""
    seen = world.alias(CHAMPION)
    if seen in (None, record.champion) or alias_is_due(record, world):
        return None
    return seen


def promote_wish(record: RolloutRecord, world: World) -> str | None:
    """The version that `soloist.dev/promote` asks for, until it is promoted."""
    said = world.annotations.get(PROMOTE)
    return said if said is not None and said != record.answered.promote else None


def obey(record: RolloutRecord, world: World, now: datetime) -> RolloutRecord:
    """The record after the annotations that can be answered at once."""
    record = _forget_removed(record, world)
    wish = promote_wish(record, world)
    if wish is not None and wish == record.champion:
        record = _keep_champion(_answer(record, "promote", wish), wish, now)
    record = _roll_back(record, world, now)
    return _retry(record, world, now)


def _keep_champion(record: RolloutRecord, version: str, now: datetime) -> RolloutRecord:
    """Asked to promote what is champion: a way back that had begun is not wanted any more."""
    rollout, record = active(record), forgive(record, version)
    is_leaving = rollout is not None and rollout.asked_by == "Rollback"
    return withdraw(record, rollout, now) if rollout is not None and is_leaving else record


def _forget_removed(record: RolloutRecord, world: World) -> RolloutRecord:
    """An annotation that was taken off may be put on again with the same value."""
    names = {"promote": PROMOTE, "rollback": ROLLBACK, "retry": RETRY}
    gone = {
        field: None
        for field, name in names.items()
        if getattr(record.answered, field) is not None and name not in world.annotations
    }
    if not gone:
        return record
    return record.model_copy(update={"answered": record.answered.model_copy(update=gone)})


def _answer(record: RolloutRecord, field: str, value: str) -> RolloutRecord:
    # A value that is no version is remembered cut short, and compared cut short.
    answered = record.answered.model_copy(update={field: value[:63]})
    return record.model_copy(update={"answered": answered})


def _roll_back(record: RolloutRecord, world: World, now: datetime) -> RolloutRecord:
    """`soloist.dev/rollback: "<version>"` leaves that version, wherever it is: under way, or champion."""
    said = world.annotations.get(ROLLBACK)
    if said is None or said[:63] == record.answered.rollback:
        return record
    record = _answer(record, "rollback", said)
    rollout = active(record)
    if rollout is not None and rollout.version == said:
        return abort(record, rollout, "ByHand", f"v{said} was rolled back by hand", now)
    previous = record.previous
    if record.champion != said or previous is None:
        return record
    record = refuse(record, said, "ByHand", f"v{said} was rolled back by hand", now)
    back = RolloutStatus(version=previous, since=rfc3339(now), asked_by="Rollback")
    return put(record, back)


def _retry(record: RolloutRecord, world: World, now: datetime) -> RolloutRecord:
    """`soloist.dev/retry: "<version>"` begins with a refused version anew; the alias `candidate` follows."""
    said = world.annotations.get(RETRY)
    if said is None or said[:63] == record.answered.retry:
        return record
    record = _answer(record, "retry", said)
    if not is_refused(record, said) or said == record.champion:
        return record
    again = RolloutStatus(version=said, since=rfc3339(now), asked_by="Retry")
    return put(forgive(record, said), again)
