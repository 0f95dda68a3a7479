"""The port `Tracking` on an MLflow tracking server.

MLflow has no apply: each effect first looks for its own earlier result. The run of one of our objects carries the
object's UID as a tag, a version carries its run's id.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any, assert_never

from soloist.adapters.mlflow_metric import read_metric
from soloist.adapters.mlflow_rest import Exists, Missing, MLflowRest
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
from soloist.core.objects import OWNER_UID

USABLE = "LOGGED_MODEL_READY"


class MLflowTracking:
    """Every method raises Unreachable when MLflow does not do what it was asked."""

    def __init__(self, rest: MLflowRest) -> None:
        self._rest = rest

    async def find_run(self, experiment: str, uid: str) -> TrackedRun | None:
        found = await self._experiment(experiment)
        if found is None or found["lifecycle_stage"] != "active":
            return None
        run = await self._run(found["experiment_id"], uid)
        if run is None:
            return None
        run_id, experiment_id = run["info"]["run_id"], run["info"]["experiment_id"]
        models, versions = await asyncio.gather(
            self._models(experiment_id, run_id), self._versions(run_id)
        )
        newest = max(versions, key=lambda version: int(version["version"]), default=None)
        metrics = run.get("data", {}).get("metrics", ())
        return TrackedRun(
            id=run_id,
            experiment_id=experiment_id,
            status=run["info"]["status"],
            metrics={metric["key"]: float(metric["value"]) for metric in metrics},
            models=models,
            registered_name=newest["name"] if newest else "",
            registered_version=newest["version"] if newest else "",
        )

    async def find_model(self, name: str, versions: tuple[str, ...] = ()) -> RegisteredModel | None:
        try:
            answer = await self._rest.get("registered-models/get", name=name)
        except Missing:
            return None
        aliases = {
            alias["alias"]: str(alias["version"])
            for alias in answer["registered_model"].get("aliases", ())
        }
        wanted = sorted({*aliases.values(), *versions})
        found = await asyncio.gather(*(self._version(name, version) for version in wanted))
        return RegisteredModel(name, aliases, tuple(one for one in found if one is not None))

    async def find_metric(self, model: str, version: str, metric: str) -> LoggedMetric | None:
        found = await self._version(model, version)
        return await read_metric(self._rest, found.run_id, metric) if found is not None else None

    async def perform(self, effect: TrackingEffect) -> None:
        match effect:
            case StartTrackedRun():
                await self._start(effect)
            case EndTrackedRun(run_id, status):
                await self._end(run_id, status)
            case RegisterModel():
                await self._register(effect)
            case SetAlias(name, alias, version):
                await self._set_alias(name, alias, version)
            case DropAlias():
                await self._drop_alias(effect)
            case TagVersion(name, version, tags):
                await self._tag(name, version, tags)
            case _:
                assert_never(effect)

    async def _start(self, effect: StartTrackedRun) -> None:
        experiment_id = await self._open_experiment(effect)
        if await self._run(experiment_id, effect.uid) is not None:
            return
        await self._rest.post(
            "runs/create",
            experiment_id=experiment_id,
            run_name=effect.name,
            start_time=_now_ms(),
            tags=_pairs({**effect.tags, OWNER_UID: effect.uid}),
        )

    async def _open_experiment(self, effect: StartTrackedRun) -> str:
        """The experiment's id. One that somebody deleted is restored: its name can't be taken by a new one."""
        found = await self._experiment(effect.experiment)
        if found is None:
            try:
                made = await self._rest.post(
                    "experiments/create",
                    name=effect.experiment,
                    tags=_pairs(effect.experiment_tags),
                )
                return str(made["experiment_id"])
            except Exists:
                found = await self._experiment(effect.experiment)
                assert found is not None
        experiment_id = str(found["experiment_id"])
        if found["lifecycle_stage"] != "active":
            await self._rest.post("experiments/restore", experiment_id=experiment_id)
        return experiment_id

    async def _end(self, run_id: str, status: str) -> None:
        """A run that somebody deleted needs no end."""
        try:
            await self._rest.post("runs/update", run_id=run_id, status=status, end_time=_now_ms())
        except Missing:
            return

    async def _register(self, effect: RegisterModel) -> None:
        with contextlib.suppress(Exists):
            await self._rest.post("registered-models/create", name=effect.name)
        mine = [v for v in await self._versions(effect.run_id) if v["name"] == effect.name]
        if mine:
            version = str(max(mine, key=lambda v: int(v["version"]))["version"])
        else:
            made = await self._rest.post(
                "model-versions/create",
                name=effect.name,
                source=f"models:/{effect.logged_model}",
                run_id=effect.run_id,
                model_id=effect.logged_model,
                tags=_pairs(effect.tags),
            )
            version = str(made["model_version"]["version"])
        await self._set_alias(effect.name, effect.alias, version)

    async def _set_alias(self, name: str, alias: str, version: str) -> None:
        await self._rest.post("registered-models/alias", name=name, alias=alias, version=version)

    async def _tag(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        """A version that somebody deleted needs none. MLflow's registry keeps 5,000 characters of a value."""
        for key, value in tags.items():
            with contextlib.suppress(Missing):
                await self._rest.post(
                    "model-versions/set-tag",
                    name=name,
                    version=version,
                    key=key,
                    value=value[:4000],
                )

    async def _drop_alias(self, effect: DropAlias) -> None:
        """Only if it still means this version. MLflow calls asking for a missing alias a bad request, so the model is
        asked for all of its aliases."""
        model = await self.find_model(effect.name)
        if model is not None and model.aliases.get(effect.alias) == effect.version:
            await self._rest.delete("registered-models/alias", name=effect.name, alias=effect.alias)

    async def _experiment(self, name: str) -> dict[str, Any] | None:
        try:
            answer = await self._rest.get("experiments/get-by-name", experiment_name=name)
        except Missing:
            return None
        experiment: dict[str, Any] = answer["experiment"]
        return experiment

    async def _run(self, experiment_id: str, uid: str) -> dict[str, Any] | None:
        """The oldest run with this tag: were there ever two, all sides would agree on one."""
        answer = await self._rest.post(
            "runs/search",
            experiment_ids=[experiment_id],
            filter=f"tags.`{OWNER_UID}` = '{uid}'",
            order_by=["attributes.start_time ASC"],
            max_results=1,
        )
        runs = answer.get("runs") or [None]
        first: dict[str, Any] | None = runs[0]
        return first

    async def _models(self, experiment_id: str, run_id: str) -> tuple[LoggedModel, ...]:
        answer = await self._rest.post(
            "logged-models/search",
            experiment_ids=[experiment_id],
            filter=f"source_run_id = '{run_id}'",
            max_results=50,
        )
        told = (model["info"] for model in answer.get("models", ()))
        return tuple(
            LoggedModel(info["model_id"], info["name"], int(info["creation_timestamp_ms"]))
            for info in told
            if info.get("status") == USABLE
        )

    async def _versions(self, run_id: str) -> list[dict[str, Any]]:
        answer = await self._rest.get("model-versions/search", filter=f"run_id='{run_id}'")
        versions: list[dict[str, Any]] = answer.get("model_versions", [])
        return versions

    async def _version(self, name: str, version: str) -> RegisteredVersion | None:
        try:
            answer = await self._rest.get("model-versions/get", name=name, version=version)
        except Missing:  # deleted since the alias was read
            return None
        told = answer["model_version"]
        return RegisteredVersion(version, told.get("run_id") or "", _artifact(told))


def _artifact(version: Mapping[str, Any]) -> str:
    """Where the files come from: the logged model, which stays when its version goes."""
    model_id = version.get("model_id")
    if model_id:
        return f"models:/{model_id}"
    source = str(version.get("source") or "")
    return (
        source
        if source.startswith("models:/")
        else f"models:/{version['name']}/{version['version']}"
    )


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _now_ms() -> int:
    return int(time.time() * 1000)
