"""The world of one case: what is there, as a file says it, and the answers to a kind's questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, assert_never

from soloist.api.conditions import Reason, parse_time
from soloist.control.words import missing
from soloist.core.effects import (
    FindModel,
    FindTrackedRun,
    GetObject,
    IsThere,
    ListObjects,
    LoggedModel,
    PodPage,
    Problem,
    Read,
    ReadPages,
    ReadUrl,
    Recall,
    RegisteredModel,
    RegisteredVersion,
    ResolveGit,
    TailLog,
    TrackedRun,
)
from soloist.core.metric import FindMetric, LoggedMetric
from soloist.core.objects import owner_labels, owner_reference
from soloist.core.seen import Seen
from soloist.kinds.modelendpoint.names import HELD_PATH

Body = dict[str, Any]
NOW = "2026-11-23T03:00:00Z"
MLFLOW_DOWN = Problem(
    Reason.MLFLOW_UNREACHABLE,
    "MLflow does not answer at http://soloist-mlflow:5000. Check that it runs: kubectl get pods.",
)


@dataclass(frozen=True)
class World:
    """Everything outside of the one object: `objects` are live, `down` are systems that do not answer."""

    now: datetime
    objects: tuple[Body, ...] = ()
    tracked: TrackedRun | None = None
    model: RegisteredModel | None = None
    logged: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Metrics by run."""
    commit: str | None = None
    logs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    down: frozenset[str] = frozenset()
    gateway: str = ""
    """What each pod of a gateway says."""
    held: int = 0
    """Requests that wait in each pod of a gateway."""

    def answer(self, reads: Iterable[Read]) -> Seen:
        """What `observe` would bring back."""
        return Seen(self.now, {read: self._answer(read) for read in dict.fromkeys(reads)})

    def _answer(self, read: Read) -> Any:  # noqa: C901, PLR0911, PLR0912 - one return for each question
        match read:
            case GetObject(kind, namespace, name):
                found = self._objects(kind.kind, namespace)
                return next((one for one in found if one["metadata"]["name"] == name), None)
            case IsThere(kind, namespace, name):
                found = self._objects(kind.kind, namespace)
                return any(one["metadata"]["name"] == name for one in found)
            case ListObjects(kind, namespace, labels):
                if kind.api_version.startswith("gateway.") and "gateway-api" in self.down:
                    return missing(kind)
                if kind.api_version.startswith("ray.io/") and "kuberay" in self.down:
                    return missing(kind)
                return tuple(
                    one
                    for one in self._objects(kind.kind, namespace)
                    if set(labels) <= set((one["metadata"].get("labels") or {}).items())
                )
            case TailLog():
                return self.logs.get(read.prefix.removesuffix(" | "), ())
            case ResolveGit():
                return self._commit()
            case FindTrackedRun():
                return MLFLOW_DOWN if "mlflow" in self.down else self.tracked
            case FindModel():
                return MLFLOW_DOWN if "mlflow" in self.down else self.model
            case FindMetric():
                return MLFLOW_DOWN if "mlflow" in self.down else self._metric(read)
            case ReadPages(namespace, labels, _, path):
                text = str(self.held) if path == HELD_PATH else self.gateway
                found = self._objects("Pod", namespace)
                mine = (
                    one for one in found if set(labels) <= set(one["metadata"]["labels"].items())
                )
                return tuple(PodPage(one["metadata"]["name"], text) for one in mine)
            case ReadUrl():
                return ""
            case Recall():
                return None
            case _:
                assert_never(read)

    def _objects(self, kind: str, namespace: str) -> tuple[Body, ...]:
        return tuple(
            one
            for one in self.objects
            if one["kind"] == kind and one["metadata"]["namespace"] == namespace
        )

    def _metric(self, read: FindMetric) -> LoggedMetric | None:
        versions = self.model.versions if self.model is not None else ()
        run = next((one.run_id for one in versions if one.version == read.version), None)
        if run is None:
            return None
        return LoggedMetric(run, self.logged.get(run, {}).get(read.metric))

    def _commit(self) -> str | Problem | None:
        if "git" in self.down:
            return Problem(
                Reason.SOURCE_UNREACHABLE, "https://git.example.com/flights.git does not answer."
            )
        return self.commit


def parse_world(owner: Body, told: Mapping[str, Any]) -> World:
    """The file `world.yaml`; `children` are owned by the case's object, `others` are anybody's."""
    children = (_adopted(owner, one) for one in told.get("children", ()))
    return World(
        now=parse_time(told.get("now", NOW)).astimezone(UTC),
        objects=tuple(_completed(one) for one in (*children, *told.get("others", ()))),
        tracked=_tracked(told.get("trackedRun")),
        model=_model(told.get("model")),
        logged=told.get("logged", {}),
        commit=told.get("commit"),
        held=int(told.get("held", 0)),
        logs={step: tuple(lines) for step, lines in told.get("logs", {}).items()},
        down=frozenset(told.get("down", ())),
    )


def _adopted(owner: Body, child: Body) -> Body:
    meta, kind = owner["metadata"], owner["kind"]
    name, uid = meta["name"], meta["uid"]
    labels = {**owner_labels(kind, name, uid), **child["metadata"].get("labels", {})}
    reference = owner_reference(owner["apiVersion"], kind, name, uid)
    own = {**child["metadata"], "labels": labels, "ownerReferences": [reference]}
    return {**child, "metadata": own}


def _completed(body: Body) -> Body:
    meta = body["metadata"]
    given = {"namespace": "demo", "uid": f"uid-{body['kind']}-{meta['name']}", "generation": 1}
    return {**body, "metadata": {**given, "creationTimestamp": "2026-11-23T02:00:00Z", **meta}}


def _tracked(told: Mapping[str, Any] | None) -> TrackedRun | None:
    if told is None:
        return None
    models = tuple(LoggedModel(*one) for one in told.get("models", ()))
    name, version = told.get("registered", ("", ""))
    return TrackedRun(
        "run-1", "7", told.get("status", "RUNNING"), told.get("metrics", {}), models, name, version
    )


def _model(told: Mapping[str, Any] | None) -> RegisteredModel | None:
    """`{name, aliases: {champion: "1"}, versions: {"1": run-1}}`."""
    if told is None:
        return None
    versions = tuple(
        RegisteredVersion(version, run, f"models:/m-{run}")
        for version, run in told.get("versions", {}).items()
    )
    return RegisteredModel(told["name"], told.get("aliases", {}), versions)
