"""What a rollout says of itself in status: where it is, by which numbers, and what comes next or is to be done."""

from __future__ import annotations

from soloist.api.conditions import parse_time, rfc3339
from soloist.api.v1alpha1.rollout_status import Evidence, Refused, RolloutRecord, RolloutStatus
from soloist.rollout.exchange import ANNOUNCE
from soloist.rollout.hands import promote_wish
from soloist.rollout.records import active
from soloist.rollout.world import APPROVE, CANDIDATE, PROMOTE, RETRY, World

_NAMES = {"errorRate": "errors", "invalid": "invalid answers", "disagreement": "disagreements"}


def render(record: RolloutRecord, world: World) -> str:
    """One or two sentences; empty where there is nothing to tell."""
    parts = (_rollout(record, world), _unknown(record, world), _refused_candidate(record, world))
    return " ".join(part for part in parts if part)


def _rollout(record: RolloutRecord, world: World) -> str:
    rollout = record.rollout
    if rollout is None:
        return ""
    if active(record) is not None:
        return _under_way(record, rollout, world)
    if rollout.stage == "Withdrawn":
        return f"v{rollout.version} was taken back: {rollout.message}."
    if rollout.stage == "Promoted" or rollout.version == record.champion:
        return ""
    return (
        f"v{rollout.version} was refused at {rollout.since} and v{record.champion} answers everything:"
        f" {rollout.message}. To try it again: {_annotate(RETRY, rollout.version)}."
    )


def _under_way(record: RolloutRecord, rollout: RolloutStatus, world: World) -> str:
    version, evidence = f"v{rollout.version}", _evidence(rollout.evidence)
    match rollout.stage:
        case "Deploying":
            return _deploying(record, rollout, world)
        case "Shadow":
            return (
                f"Shadow of {version}, which gets copies and answers nobody: {evidence}."
                f"{_replayed(rollout, world)}"
            )
        case "Paused":
            return (
                f"{version} waits at {rollout.weight} % for an approval: {evidence}."
                f" To go on: {_annotate(APPROVE, rollout.version)}."
            )
        case "Swapping":
            ready = world.pods_of(rollout.version).ready
            return (
                f"{version} takes the place of v{record.champion} pod by pod: {ready} of"
                f" {world.replicas} are ready, and it answers {rollout.weight} %."
            )
        case _:
            return f"Canary at {rollout.weight} % of {version}: {evidence}."


def _replayed(rollout: RolloutStatus, world: World) -> str:
    number = world.readings.champion.replayed if world.readings is not None else 0
    asked = f" Traffic is thin: {number:,} kept requests were asked again" if number else ""
    lacks = not rollout.evidence or any(one.verdict == "NotEnoughData" for one in rollout.evidence)
    if world.kept_left != 0 or not lacks:
        return f"{asked}." if asked else ""
    none_left = (
        f"{asked}, and none is left" if asked else " Traffic is thin, and no request was kept"
    )
    return (
        f"{none_left}: it waits for clients' requests. To promote it as it is:"
        f" {_annotate(PROMOTE, rollout.version)}."
    )


def _deploying(record: RolloutRecord, rollout: RolloutStatus, world: World) -> str:
    if rollout.in_place:
        when = rfc3339(parse_time(rollout.since) + ANNOUNCE)
        gap = (
            " Until its pod is ready nothing but the failover answers."
            if _has_gap(rollout, world)
            else ""
        )
        return (
            f"There is no room for two versions: from {when} on, v{rollout.version} takes the place of"
            f" v{record.champion} pod by pod, without shadow and canary.{gap} To stop it, take its alias"
            f" {CANDIDATE} away; to have both, raise the quota or maxSurge."
        )
    ready = world.pods_of(rollout.version).ready
    return f"Starting the pods of v{rollout.version}: {ready} of {world.replicas} are ready."


def _has_gap(rollout: RolloutStatus, world: World) -> bool:
    return world.replicas + rollout.surge < 2


def _evidence(evidence: list[Evidence]) -> str:
    told = [one for one in evidence if one.gate != "pods" or one.verdict == "Fail"]
    if not told:
        return "no numbers yet"
    return "; ".join(
        f"{_NAMES.get(one.gate, one.gate)} {one.message}: {one.verdict}" for one in told
    )


def _unknown(record: RolloutRecord, world: World) -> str:
    wish, registry = promote_wish(record, world), world.registry
    if wish is None or registry is None or wish in registry.versions:
        return ""
    return f"The annotation {PROMOTE} asks for v{wish[:32]}, which {registry.model} does not have: correct it, or take it off."


def _refused_candidate(record: RolloutRecord, world: World) -> str:
    """Somebody gave the alias to a version that was refused before; the rollout's own sentence may speak of another."""
    seen = world.alias(CANDIDATE)
    last = record.rollout
    found: Refused | None = next((one for one in record.refused if one.version == seen), None)
    if found is None or (last is not None and last.version == seen):
        return ""
    return (
        f"v{found.version} has the alias {CANDIDATE}, but was refused at {found.time}: {found.message}."
        f" To try it again: {_annotate(RETRY, found.version)}."
    )


def _annotate(name: str, version: str) -> str:
    return f"kubectl annotate --overwrite modelendpoint <name> {name}={version}"
