"""The only loop: look, decide, act, say."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from soloist.api.conditions import Reason
from soloist.api.parse import Invalid, Resource, parse
from soloist.api.platform import Platform
from soloist.control.execute import execute
from soloist.control.observe import observe
from soloist.control.ports import ClusterError, KindMissing, NotLeading, Ports
from soloist.control.report import INTERNAL_ERROR, say, trouble
from soloist.control.words import is_transient, missing
from soloist.core.kind import Kind
from soloist.core.objects import FINALIZER, Key, Manifest, ObjectRef
from soloist.core.outcome import Done, Failed, Outcome, Stalled, Waiting
from soloist.core.plan import diff

log = logging.getLogger(__name__)

# After an effect the facts are old. Not zero: an effect that its facts never show as done must not spin.
AFTER_EFFECT = timedelta(milliseconds=50)


@dataclass(frozen=True, slots=True)
class Result:
    """How a reconcile ended, and whether it changed what the object says (others may wait for that)."""

    outcome: Outcome
    said: bool = False


async def reconcile(kind: Kind[Any], key: Key, platform: Platform, ports: Ports) -> Result:
    """Drive one object one step closer to its spec; safe to interrupt anywhere."""
    ref = ObjectRef(kind.ref, key.namespace, key.name)
    try:
        body = await ports.cluster.get(ref)
        if body is None:
            ports.doorbell.hang(key, ())
            return Result(Done())
        return await _guarded(kind, ref, body, platform, ports)
    except KindMissing:
        problem = missing(kind.ref)
        return Result(Failed(problem.reason, problem.message))
    except ClusterError as error:
        return Result(Failed(error.reason or "Unavailable", str(error)))


async def _guarded(
    kind: Kind[Any], ref: ObjectRef, body: Manifest, platform: Platform, ports: Ports
) -> Result:
    """Whatever goes wrong with this one object is said on it, if it is news; nothing reaches the other objects."""
    try:
        return await _drive(kind, ref, body, platform, ports)
    except ClusterError as error:
        if is_transient(error):
            raise
        message = f"The API server refused a request: {error}"
        status = trouble(kind, body, Reason.REFUSED, message, ports)
        return Result(Failed(Reason.REFUSED, message), await say(ref, body, status, ports))
    except NotLeading:
        raise
    except Exception:
        log.exception("a fault in Soloist", extra={"object": str(ref)})
        status = trouble(kind, body, Reason.INTERNAL_ERROR, INTERNAL_ERROR, ports, ready="Unknown")
        said = await say(ref, body, status, ports)
        return Result(Failed(Reason.INTERNAL_ERROR, INTERNAL_ERROR), said)


async def _drive(
    kind: Kind[Any], ref: ObjectRef, body: Manifest, platform: Platform, ports: Ports
) -> Result:
    match parse(body, kind.resource.spec, kind.resource.status):
        case Invalid(_, _, message):
            status = trouble(kind, body, Reason.INVALID_SPEC, message, ports, stalled=True)
            said = await say(ref, body, status, ports)
            return Result(Stalled(Reason.INVALID_SPEC, message), said)
        case resource:
            return await _settle(kind, ref, body, resource, platform, ports)


async def _settle(
    kind: Kind[Any],
    ref: ObjectRef,
    body: Manifest,
    resource: Resource[Any, Any],
    platform: Platform,
    ports: Ports,
) -> Result:
    metadata = resource.metadata
    if metadata.deleted and FINALIZER not in metadata.finalizers:
        return Result(Done())
    seen = await observe(kind.needs(resource, platform), ports)
    facts = kind.assemble(resource, platform, seen)
    desired = kind.desire(resource, facts, platform)
    if desired.keep_finalizer:
        await _hold(ref, body, resource, ports)
    plan = diff(desired.children, seen.children(kind.children), metadata.uid)
    done = await execute(plan, desired.effects, metadata.uid, ports, kind.apart)
    summary = kind.summarize(resource, facts, platform, done.outcomes)
    said = await say(ref, body, summary.status.manifest(), ports)
    ports.memory.keep(metadata.uid, summary.memory)
    ports.doorbell.hang(Key(kind.ref.kind, ref.namespace, ref.name), summary.doors)
    if not desired.keep_finalizer:
        await _release(ref, resource, ports)
    return Result(_soon(summary.outcome) if done.performed else summary.outcome, said)


async def _hold(ref: ObjectRef, body: Manifest, resource: Resource[Any, Any], ports: Ports) -> None:
    """Put our finalizer on before the first thing exists that it guards."""
    finalizers = resource.metadata.finalizers
    if FINALIZER in finalizers or resource.metadata.deleted:
        return
    version = body["metadata"]["resourceVersion"]
    await ports.cluster.set_finalizers(ref, version, (*finalizers, FINALIZER))
    ports.meter.acted("finalizer", ref.kind.kind)


async def _release(ref: ObjectRef, resource: Resource[Any, Any], ports: Ports) -> None:
    """Take our finalizer off; by the version read now, because the status may just have been written."""
    if FINALIZER not in resource.metadata.finalizers:
        return
    live = await ports.cluster.get(ref)
    if live is None or live["metadata"]["uid"] != resource.metadata.uid:
        return
    finalizers = tuple(live["metadata"].get("finalizers") or ())
    kept = tuple(name for name in finalizers if name != FINALIZER)
    if kept != finalizers:
        await ports.cluster.set_finalizers(ref, live["metadata"]["resourceVersion"], kept)
        ports.meter.acted("finalizer", ref.kind.kind)


def _soon(outcome: Outcome) -> Outcome:
    """Look again at once, unless something failed."""
    match outcome:
        case Done():
            return Done(AFTER_EFFECT)
        case Waiting(reason, message, _):
            return Waiting(reason, message, AFTER_EFFECT)
        case _:
            return outcome
