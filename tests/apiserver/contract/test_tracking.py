"""What the loop may expect of a tracking server."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from soloist.adapters.mlflow_rest import MLflowRest
from soloist.adapters.mlflow_tracking import MLflowTracking
from soloist.control.ports import Tracking, Unreachable
from soloist.core.effects import (
    DropAlias,
    EndTrackedRun,
    RegisterModel,
    SetAlias,
    StartTrackedRun,
    TrackedRun,
)
from soloist.core.metric import LoggedMetric
from tests.cluster.ports import free_ports
from tests.support.fake_tracking import FakeTracking

pytestmark = pytest.mark.asyncio
_numbers = itertools.count(1)


class Code(Protocol):
    """What a user's code does in a tracked run."""

    async def log_metric(self, experiment: str, uid: str, name: str, value: float) -> None: ...

    async def log_model(self, experiment: str, uid: str, name: str) -> str: ...


@dataclass
class RealCode:
    """As MLflow's own client does it, over the same REST API."""

    rest: MLflowRest
    tracking: MLflowTracking

    async def log_metric(self, experiment: str, uid: str, name: str, value: float) -> None:
        run = await self._run(experiment, uid)
        await self.rest.post("runs/log-metric", run_id=run.id, key=name, value=value, timestamp=1)

    async def log_model(self, experiment: str, uid: str, name: str) -> str:
        model = await self.begin_model(experiment, uid, name)
        path = f"logged-models/{model}"
        await self.rest._ask("PATCH", path, body={"model_id": model, "status": 2})
        return model

    async def begin_model(self, experiment: str, uid: str, name: str) -> str:
        """A model whose files are still being uploaded."""
        run = await self._run(experiment, uid)
        made = await self.rest.post(
            "logged-models", experiment_id=run.experiment_id, name=name, source_run_id=run.id
        )
        return str(made["model"]["info"]["model_id"])

    async def _run(self, experiment: str, uid: str) -> TrackedRun:
        run = await self.tracking.find_run(experiment, uid)
        assert run is not None
        return run


@dataclass
class Desk:
    """A tracking server, someone's code, and names that nobody else uses."""

    tracking: Tracking
    code: Any
    experiment: str
    model: str

    async def start(self, uid: str = "u-1") -> TrackedRun:
        await self.tracking.perform(StartTrackedRun(self.experiment, uid, "run", {"a": "b"}))
        return await self.find(uid)

    async def find(self, uid: str = "u-1") -> TrackedRun:
        run = await self.tracking.find_run(self.experiment, uid)
        assert run is not None
        return run

    async def register(self, uid: str = "u-1") -> TrackedRun:
        run = await self.start(uid)
        model = await self.code.log_model(self.experiment, uid, "model")
        await self.tracking.perform(RegisterModel(self.model, run.id, model, "candidate"))
        return await self.find(uid)

    async def aliases(self) -> dict[str, str]:
        model = await self.tracking.find_model(self.model)
        assert model is not None
        return dict(model.aliases)


@pytest_asyncio.fixture(params=["fake", "real"])
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    number = next(_numbers)
    names = (f"here/toys-{number}", f"here.toys-{number}")
    if request.param == "fake":
        fake = FakeTracking()
        yield Desk(fake, fake, *names)
        return
    rest = MLflowRest(request.getfixturevalue("mlflow"))
    tracking = MLflowTracking(rest)
    yield Desk(tracking, RealCode(rest, tracking), *names)
    await rest.close()


@pytest_asyncio.fixture
async def real(mlflow: str) -> AsyncIterator[tuple[MLflowRest, Desk]]:
    number = next(_numbers)
    rest = MLflowRest(mlflow)
    tracking = MLflowTracking(rest)
    yield rest, Desk(tracking, RealCode(rest, tracking), f"here/real-{number}", f"real-{number}")
    await rest.close()


async def test_what_was_never_made_is_none(desk: Desk) -> None:
    assert await desk.tracking.find_run(desk.experiment, "u-1") is None
    assert await desk.tracking.find_model(desk.model) is None


async def test_a_run_is_made_once_however_often_it_is_asked_for(desk: Desk) -> None:
    first = await desk.start()
    assert await desk.start() == first
    assert first.status == "RUNNING"
    assert first.experiment_id


async def test_two_objects_have_two_runs_of_one_experiment(desk: Desk) -> None:
    one, other = await desk.start("u-1"), await desk.start("u-2")
    assert one.id != other.id
    assert one.experiment_id == other.experiment_id


async def test_what_the_code_logged_is_found(desk: Desk) -> None:
    await desk.start()
    await desk.code.log_metric(desk.experiment, "u-1", "mae", 1.5)
    model = await desk.code.log_model(desk.experiment, "u-1", "model")
    run = await desk.find()
    assert run.metrics == {"mae": 1.5}
    assert [(found.id, found.name) for found in run.models] == [(model, "model")]


async def test_the_metric_of_a_versions_run_is_found(desk: Desk) -> None:
    run = await desk.register()
    await desk.code.log_metric(desk.experiment, "u-1", "training_median", -3.0)
    found = await desk.tracking.find_metric(desk.model, "1", "training_median")
    assert found == LoggedMetric(run.id, -3.0)
    assert await desk.tracking.find_metric(desk.model, "1", "mae") == LoggedMetric(run.id, None)
    assert await desk.tracking.find_metric(desk.model, "2", "training_median") is None


async def test_a_run_ends_and_may_end_again(desk: Desk) -> None:
    run = await desk.start()
    for status in ("FINISHED", "FAILED", "FAILED"):
        await desk.tracking.perform(EndTrackedRun(run.id, status))
        assert (await desk.find()).status == status


async def test_a_registered_model_has_one_version_of_a_run(desk: Desk) -> None:
    run = await desk.register()
    assert (run.registered_name, run.registered_version) == (desk.model, "1")
    effect = RegisterModel(desk.model, run.id, run.models[0].id, "candidate")
    await desk.tracking.perform(effect)
    model = await desk.tracking.find_model(desk.model)
    assert model is not None
    assert model.aliases == {"candidate": "1"}
    assert [(one.version, one.run_id, one.artifact) for one in model.versions] == [
        ("1", run.id, f"models:/{run.models[0].id}")
    ]


async def test_the_next_run_makes_the_next_version(desk: Desk) -> None:
    await desk.register("u-1")
    run = await desk.register("u-2")
    assert run.registered_version == "2"
    assert await desk.aliases() == {"candidate": "2"}


async def test_only_versions_with_an_alias_are_told(desk: Desk) -> None:
    await desk.register("u-1")
    await desk.register("u-2")
    model = await desk.tracking.find_model(desk.model)
    assert model is not None
    assert [one.version for one in model.versions] == ["2"]


async def test_an_alias_is_set_moved_and_dropped_only_where_it_is_meant(desk: Desk) -> None:
    await desk.register("u-1")
    await desk.register("u-2")
    await desk.tracking.perform(SetAlias(desk.model, "champion", "1"))
    await desk.tracking.perform(SetAlias(desk.model, "champion", "2"))
    await desk.tracking.perform(DropAlias(desk.model, "candidate", "1"))
    assert await desk.aliases() == {"champion": "2", "candidate": "2"}
    for _ in range(2):
        await desk.tracking.perform(DropAlias(desk.model, "candidate", "2"))
    assert await desk.aliases() == {"champion": "2"}


async def test_dropping_an_alias_of_a_model_that_is_gone_is_nothing(desk: Desk) -> None:
    await desk.tracking.perform(DropAlias(desk.model, "candidate", "1"))


async def test_a_model_that_is_still_uploaded_is_not_told(real: tuple[MLflowRest, Desk]) -> None:
    _, desk = real
    await desk.start()
    await desk.code.begin_model(desk.experiment, "u-1", "model")
    assert (await desk.find()).models == ()


async def test_an_experiment_that_was_deleted_is_restored(real: tuple[MLflowRest, Desk]) -> None:
    rest, desk = real
    run = await desk.start()
    await rest.post("experiments/delete", experiment_id=run.experiment_id)
    assert await desk.tracking.find_run(desk.experiment, "u-1") is None
    assert (await desk.start()).experiment_id == run.experiment_id


async def test_a_version_that_was_deleted_leaves_the_others_told(
    real: tuple[MLflowRest, Desk],
) -> None:
    rest, desk = real
    await desk.register("u-1")
    await rest.delete("model-versions/delete", name=desk.model, version="1")
    await desk.register("u-2")
    assert await desk.aliases() == {"candidate": "2"}


async def test_a_server_that_is_not_there_is_one_plain_sentence() -> None:
    (port,) = free_ports(1)
    rest = MLflowRest(f"http://ada:secret@127.0.0.1:{port}")
    with pytest.raises(Unreachable) as caught:
        await MLflowTracking(rest).find_model("m")
    await rest.close()
    assert caught.value.reason == "MLflowUnreachable"
    said = f"MLflow at http://127.0.0.1:{port} can't be reached (Connection refused). Check"
    assert str(caught.value).startswith(said)


async def test_a_server_that_hangs_is_given_up(unused_tcp_port: int) -> None:
    timeout = aiohttp.ClientTimeout(total=0.2)

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", unused_tcp_port):
        rest = MLflowRest(f"http://127.0.0.1:{unused_tcp_port}", timeout=timeout)
        with pytest.raises(Unreachable, match=r"did not answer within 0\.2 s"):
            await MLflowTracking(rest).find_model("m")
        await rest.close()


async def test_an_answer_that_is_no_json_is_one_plain_sentence(unused_tcp_port: int) -> None:

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<html>sign in</html>", status=200)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    rest = MLflowRest(f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(Unreachable, match="with status 200 and no JSON"):
        await MLflowTracking(rest).find_model("m")
    await rest.close()
    await runner.cleanup()
