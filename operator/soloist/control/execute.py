"""The only writer of children and of systems outside: a plan in, outcomes out. It has no opinion."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from soloist.control.ports import ClusterError, KindMissing, Ports, Unreachable
from soloist.control.words import failure, is_transient, not_ours
from soloist.core.asking import AskPod
from soloist.core.effects import Effect, TouchPod
from soloist.core.objects import POD, KindRef, ObjectRef, is_owned_by
from soloist.core.outcome import Done, Failed, Outcome
from soloist.core.plan import Action, Apply, Conflict, Create, Delete, beyond, is_settled

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of a plan: an outcome per action until the first that failed, and how many effects were performed."""

    outcomes: tuple[Outcome, ...] = ()
    performed: int = 0


async def execute(
    actions: Iterable[Action],
    effects: Sequence[Effect],
    owner_uid: str,
    ports: Ports,
    apart: Collection[KindRef] = (),
) -> Execution:
    """Carry the plan out in its order and stop at the first failure: what comes later may stand on it. Nothing stands
    on objects of the kinds `apart`; a failure of one is told, and the rest goes on.

    Raises ClusterError for what is no news to anybody (a conflict, a busy API server).
    """
    outcomes: list[Outcome] = []
    for action in actions:
        outcomes.append(await _act(action, owner_uid, ports))
        if not isinstance(outcomes[-1], Done) and action.ref.kind not in apart:
            return Execution(tuple(outcomes))
    for performed, effect in enumerate(effects):
        outcomes.append(await _perform(effect, ports))
        if not isinstance(outcomes[-1], Done):
            return Execution(tuple(outcomes), performed)
    return Execution(tuple(outcomes), len(effects))


async def _act(action: Action, owner_uid: str, ports: Ports) -> Outcome:
    try:
        match action:
            case Create():
                return await _create(action, owner_uid, ports)
            case Apply(ref, manifest, uid, extra):
                await ports.cluster.apply(ref, manifest, uid)
                if extra:
                    await ports.cluster.strip(ref, uid, extra)
                _count("apply", action, ports)
                return Done()
            case Delete(ref, uid):
                await ports.cluster.delete(ref, uid)
                _count("delete", action, ports)
                return Done()
            case Conflict(ref):
                return not_ours(ref)
            case _:
                assert_never(action)
    except KindMissing as error:
        return failure(error, action.ref)
    except ClusterError as error:
        if is_transient(error):
            raise
        return failure(error, action.ref)


async def _create(action: Create, owner_uid: str, ports: Ports) -> Outcome:
    """Create; where the name is taken, look whose it is: a child whose labels were taken off is still our child."""
    try:
        await ports.cluster.create(action.ref, action.manifest)
    except ClusterError as error:
        if error.code != 409:
            raise
        live = await ports.cluster.get(action.ref)
        if live is None:
            raise
        if not is_owned_by(live, owner_uid):
            return not_ours(action.ref)
        if not is_settled(live, action.manifest):
            uid, extra = live["metadata"]["uid"], beyond(live, action.manifest)
            return await _act(Apply(action.ref, action.manifest, uid, extra), owner_uid, ports)
        return Done()
    _count("create", action, ports)
    return Done()


async def _perform(effect: Effect, ports: Ports) -> Outcome:
    verb = type(effect).__name__
    if isinstance(effect, TouchPod):
        await _touch(effect, ports)
        return Done()
    if isinstance(effect, AskPod):
        await ports.pages.post(effect.url, effect.message)
        ports.meter.acted("ask", POD.kind)
        return Done()
    try:
        await ports.tracking.perform(effect)
    except Unreachable as error:
        return Failed(error.reason, str(error))
    ports.meter.acted(verb, "MLflow")
    log.info("performed an effect", extra={"effect": verb})
    return Done()


async def _touch(effect: TouchPod, ports: Ports) -> None:
    ref = ObjectRef(POD, effect.namespace, effect.name)
    await ports.cluster.annotate(ref, effect.uid, effect.annotation, effect.value)
    ports.meter.acted("annotate", POD.kind)


def _count(verb: str, action: Create | Apply | Delete, ports: Ports) -> None:
    ports.meter.acted(verb, action.ref.kind.kind)
    log.info("wrote a child", extra={"verb": verb, "child": str(action.ref)})
