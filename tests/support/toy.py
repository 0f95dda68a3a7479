"""A kind small enough to see through: so many ConfigMaps, one tracked run, one finalizer. It tests the loop alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from soloist.api.conditions import Condition, ConditionType, Reason, rfc3339, set_conditions
from soloist.api.fields import Model
from soloist.api.parse import Resource
from soloist.api.platform import Platform
from soloist.api.resources import ResourceKind
from soloist.api.v1alpha1.parts import CommonStatus
from soloist.core.effects import (
    EndTrackedRun,
    FindTrackedRun,
    ListObjects,
    Read,
    StartTrackedRun,
    TrackedRun,
)
from soloist.core.kind import Desired, Kind, Summary
from soloist.core.objects import CONFIG_MAP, KindRef, Manifest, owner_labels, owner_reference
from soloist.core.outcome import Done, Outcome, worst
from soloist.core.seen import Seen

API_VERSION = "toys.example.com/v1"
TOY = KindRef(API_VERSION, "Toy", "toys")
PLATFORM = Platform.model_validate({"runtimes": {"default": {"image": "example/runtime:1"}}})
AGAIN = timedelta(minutes=1)


class ToySpec(Model):
    """What a toy wants."""

    copies: int = 1
    """How many ConfigMaps."""
    colour: str = "red"
    """What they say."""
    note: str | None = None
    """What they say besides, if anything."""


class ToyStatus(CommonStatus):
    """What a toy says."""

    copies: int = 0
    """How many ConfigMaps there are."""
    run_id: str | None = None
    """Its tracked run."""


@dataclass(frozen=True, slots=True)
class ToyFacts:
    """What a toy looks at."""

    copies: int
    run: TrackedRun | None
    is_unknown: bool
    now: str


Toy = Resource[Any, Any]


def _list(toy: Toy) -> ListObjects:
    labels = owner_labels("Toy", toy.name, toy.metadata.uid)
    return ListObjects(CONFIG_MAP, toy.namespace, tuple(labels.items()))


def _find(toy: Toy) -> FindTrackedRun:
    return FindTrackedRun(f"{toy.namespace}/toys", toy.metadata.uid)


def needs(toy: Toy, platform: Platform) -> tuple[Read, ...]:
    return (_list(toy), _find(toy))


def assemble(toy: Toy, platform: Platform, seen: Seen) -> ToyFacts:
    run = seen.tracked_run(_find(toy))
    is_unknown = seen.problem(_find(toy)) is not None
    return ToyFacts(len(seen.objects(_list(toy))), run, is_unknown, rfc3339(seen.now))


def config_map(toy: Toy, number: int) -> Manifest:
    note = {"note": toy.spec.note} if toy.spec.note else {}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"{toy.name}-{number}",
            "namespace": toy.namespace,
            "labels": owner_labels("Toy", toy.name, toy.metadata.uid),
            "ownerReferences": [owner_reference(API_VERSION, "Toy", toy.name, toy.metadata.uid)],
        },
        "data": {"colour": toy.spec.colour, **note},
    }


def desire(toy: Toy, facts: ToyFacts, platform: Platform) -> Desired:
    if toy.metadata.deleted:
        open_run = facts.run is not None and facts.run.status == "RUNNING"
        ends = (EndTrackedRun(facts.run.id, "KILLED"),) if open_run and facts.run else ()
        return Desired(effects=ends, keep_finalizer=open_run or facts.is_unknown)
    maps = tuple((CONFIG_MAP, config_map(toy, number)) for number in range(toy.spec.copies))
    start = StartTrackedRun(f"{toy.namespace}/toys", toy.metadata.uid, toy.name)
    effects = () if facts.run else (start,)
    return Desired(children=maps, effects=effects, keep_finalizer=True)


def summarize(
    toy: Toy, facts: ToyFacts, platform: Platform, outcomes: tuple[Outcome, ...]
) -> Summary:
    outcome = worst((Done(AGAIN), *outcomes))
    good = isinstance(outcome, Done)
    ready = Condition(
        type=ConditionType.READY,
        status="True" if good else "False",
        reason=Reason.READY if isinstance(outcome, Done) else outcome.reason,
        message="" if isinstance(outcome, Done) else outcome.message,
        last_transition_time=facts.now,
        observed_generation=toy.metadata.generation,
    )
    status = ToyStatus(
        observed_generation=toy.metadata.generation,
        summary=ready.message,
        conditions=list(set_conditions(toy.status.conditions, (ready,))),
        copies=facts.copies,
        run_id=facts.run.id if facts.run else None,
    )
    return Summary(status, outcome)


KIND: Kind[ToyFacts] = Kind(
    resource=ResourceKind("Toy", "toys", "toy", ToySpec, ToyStatus, (), 63, "of nothing", "A toy."),
    ref=TOY,
    children=(CONFIG_MAP,),
    needs=needs,
    assemble=assemble,
    desire=desire,
    summarize=summarize,
    wakes=("Watcher",),
)

CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "toys.toys.example.com"},
    "spec": {
        "group": "toys.example.com",
        "scope": "Namespaced",
        "names": {"kind": "Toy", "plural": "toys", "singular": "toy"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}
