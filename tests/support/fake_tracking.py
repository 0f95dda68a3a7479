"""An MLflow of dictionaries. It runs the same contract suite as the adapter on a real server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import assert_never

from soloist.control.ports import Unreachable
from soloist.core.effects import (
    DropAlias,
    EndTrackedRun,
    LoggedModel,
    RegisteredModel,
    RegisteredVersion,
    RegisterModel,
    SetAlias,
    StartTrackedRun,
    TagVersion,
    TrackedRun,
    TrackingEffect,
)
from soloist.core.metric import LoggedMetric


@dataclass
class FakeTracking:
    """`down` makes every call fail, as when the server is gone."""

    down: bool = False
    runs: dict[tuple[str, str], TrackedRun] = field(default_factory=dict)
    models: dict[str, RegisteredModel] = field(default_factory=dict)
    tags: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    performed: list[TrackingEffect] = field(default_factory=list)
    _versions: dict[str, list[RegisteredVersion]] = field(default_factory=dict)
    _experiments: dict[str, str] = field(default_factory=dict)

    # -- the port

    async def find_run(self, experiment: str, uid: str) -> TrackedRun | None:
        self._up()
        run = self.runs.get((experiment, uid))
        if run is None:
            return None
        name, version = self._version_of(run.id)
        return replace(run, registered_name=name, registered_version=version)

    async def find_model(self, name: str, versions: tuple[str, ...] = ()) -> RegisteredModel | None:
        self._up()
        model = self.models.get(name)
        if model is None:
            return None
        meant = {*model.aliases.values(), *versions}
        kept = tuple(v for v in self._versions.get(name, ()) if v.version in meant)
        return replace(model, aliases=dict(model.aliases), versions=kept)

    async def find_metric(self, model: str, version: str, metric: str) -> LoggedMetric | None:
        self._up()
        found = next((v for v in self._versions.get(model, ()) if v.version == version), None)
        if found is None:
            return None
        logged = next((run.metrics for run in self.runs.values() if run.id == found.run_id), {})
        return LoggedMetric(found.run_id, logged.get(metric))

    async def perform(self, effect: TrackingEffect) -> None:
        self._up()
        self.performed.append(effect)
        match effect:
            case StartTrackedRun(experiment, uid):
                number = self._experiments.setdefault(experiment, str(len(self._experiments) + 1))
                made = TrackedRun(f"run-{len(self.runs) + 1}", number, "RUNNING")
                self.runs.setdefault((experiment, uid), made)
            case EndTrackedRun(run_id, status):
                for key, run in self.runs.items():
                    if run.id == run_id:
                        self.runs[key] = replace(run, status=status)
            case RegisterModel():
                self._register(effect)
            case SetAlias(name, alias, version):
                self._alias(name, alias, version)
            case DropAlias(name, alias, version):
                model = self.models.get(name)
                if model is not None and model.aliases.get(alias) == version:
                    kept = {key: value for key, value in model.aliases.items() if key != alias}
                    self.models[name] = replace(model, aliases=kept)
            case TagVersion(name, version, tags):
                self.tags.setdefault((name, version), {}).update(tags)
            case _:
                assert_never(effect)

    # -- what a test does as the user's code

    async def log_metric(self, experiment: str, uid: str, name: str, value: float) -> None:
        run = self.runs[experiment, uid]
        self.runs[experiment, uid] = replace(run, metrics={**run.metrics, name: value})

    async def log_model(self, experiment: str, uid: str, name: str) -> str:
        run = self.runs[experiment, uid]
        made = LoggedModel(f"m-{run.id}-{len(run.models) + 1}", name, len(run.models))
        self.runs[experiment, uid] = replace(run, models=(*run.models, made))
        return made.id

    # -- inside

    def _up(self) -> None:
        if self.down:
            raise Unreachable("MLflowUnreachable", "MLflow can't be reached. Check that it runs.")

    def _register(self, effect: RegisterModel) -> None:
        self.models.setdefault(effect.name, RegisteredModel(effect.name))
        versions = self._versions.setdefault(effect.name, [])
        mine = [version for version in versions if version.run_id == effect.run_id]
        if not mine:
            artifact = f"models:/{effect.logged_model}"
            mine = [RegisteredVersion(str(len(versions) + 1), effect.run_id, artifact)]
            versions.extend(mine)
        self._alias(effect.name, effect.alias, mine[-1].version)

    def _alias(self, name: str, alias: str, version: str) -> None:
        model = self.models[name]
        self.models[name] = replace(model, aliases={**model.aliases, alias: version})

    def _version_of(self, run_id: str) -> tuple[str, str]:
        for name, versions in self._versions.items():
            for version in versions:
                if version.run_id == run_id:
                    return name, version.version
        return "", ""
