"""The state machine of a rollout: from what was recorded and what is seen now to what is recorded next.

    Deploying ──▶ Shadow ──▶ Canary ⟲ ──▶ Promoted          any gate fails ──▶ Aborted
        │                     ▲  ▼                          alias taken away ──▶ Withdrawn
        └──▶ Swapping ──▶     Paused                        another version ──▶ Deploying anew
             (no room for two versions)

`advance` decides and acts on nothing: what it returns is written to status, and `soloist.rollout.decision` derives weights, pods and aliases from
that. So it may be cut anywhere: what was not written is decided again, what was written is done again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from soloist.api.conditions import rfc3339
from soloist.api.v1alpha1.rollout import Rollout
from soloist.api.v1alpha1.rollout_status import AskedBy, RolloutRecord, RolloutStatus
from soloist.rollout import hands, stages
from soloist.rollout.records import abort, active, alias_memory, forgive, is_refused, put, withdraw
from soloist.rollout.world import CANDIDATE, World

# The data plane answers from the next rung meanwhile; a restart or a move to another node must not cost a champion its place.
SICK_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Wish:
    """The version that should be rolled out, and who says so."""

    version: str
    asked_by: AskedBy


def advance(
    spec: Rollout | None, record: RolloutRecord, world: World, now: datetime
) -> RolloutRecord:
    """The record, one step further; the same record where nothing is to be done."""
    record = hands.confirm_alias(record, world)
    record = hands.obey(record, world, now)
    record = _leave_sick_champion(record, world, now)
    record = _choose(record, world, now)
    return stages.progress(spec, record, world, now)


def _leave_sick_champion(record: RolloutRecord, world: World, now: datetime) -> RolloutRecord:
    """Back to the previous version, whose pods answer already, when the champion's have failed for long."""
    champion, previous = record.champion, record.previous
    if champion is None or previous is None:
        return record
    pods, spare = world.pods_of(champion), world.pods_of(previous)
    if pods.ready > 0 or pods.failing_since is None or spare.ready == 0:
        return record
    if now - pods.failing_since < SICK_AFTER:
        return record
    message = f"no pod of v{champion} was ready for {SICK_AFTER.seconds // 60} minutes"
    sick = RolloutStatus(version=champion, since=rfc3339(now))
    back = abort(record, sick, "Sick", message, now)
    return forgive(back, previous).model_copy(
        update={
            "champion": previous,
            "previous": None,
            "champion_alias": alias_memory(record, world),
        }
    )


def _choose(record: RolloutRecord, world: World, now: datetime) -> RolloutRecord:
    """The rollout of the version that is wished for now: gone on with, begun, or taken back."""
    wish, rollout = _wish(record, world), active(record)
    if wish is None:
        return record if rollout is None else withdraw(record, rollout, now)
    if rollout is not None and rollout.version == wish.version:
        return _same_version(record, rollout, wish, now)
    chosen = RolloutStatus(version=wish.version, since=rfc3339(now), asked_by=wish.asked_by)
    return put(forgive(record, wish.version), chosen)


def _wish(record: RolloutRecord, world: World) -> Wish | None:
    """What a person asks for goes before what a Run has registered; a silent registry wishes what was decided before."""
    rollout = active(record)
    standing = Wish(rollout.version, rollout.asked_by) if rollout is not None else None
    asked = hands.promote_wish(record, world)
    if asked is not None and (world.registry is None or asked in world.registry.versions):
        return Wish(asked, "Promote")
    if world.registry is None:
        return standing
    moved = hands.alias_wish(record, world)
    candidate = world.alias(CANDIDATE)
    if moved is not None and (record.champion is not None or candidate is None):
        return Wish(moved, "ChampionAlias")
    if rollout is not None and rollout.asked_by == "Rollback":
        return standing
    if rollout is not None and rollout.asked_by == "Retry":
        return Wish(rollout.version, "Candidate" if candidate == rollout.version else "Retry")
    if candidate in (None, record.champion) or is_refused(record, str(candidate)):
        return None
    return Wish(str(candidate), "Candidate")


def _same_version(
    record: RolloutRecord, rollout: RolloutStatus, wish: Wish, now: datetime
) -> RolloutRecord:
    if rollout.asked_by == wish.asked_by:
        return record
    if stages.is_gated(rollout.asked_by) and rollout.asked_by != wish.asked_by:
        return put(record, rollout.model_copy(update={"asked_by": wish.asked_by}))
    # No person asks for it any more, and its gates were never looked at: it begins as any candidate does.
    anew = RolloutStatus(version=wish.version, since=rfc3339(now), asked_by=wish.asked_by)
    return put(record, anew)


def next_look(record: RolloutRecord) -> timedelta | None:
    """When to look again at the latest: often while clients may be harmed, else when something else asks for it."""
    rollout = active(record)
    if rollout is None:
        return None
    return timedelta(seconds=2) if rollout.stage == "Deploying" else timedelta(seconds=1)
