"""The way from outside comes, changes and goes, through the real loop on a cluster of dictionaries."""

from __future__ import annotations

from typing import Any

import pytest

from soloist.control.ports import ClusterError
from soloist.control.reconcile import reconcile
from soloist.core.effects import RegisterModel, SetAlias
from soloist.core.objects import (
    HTTP_ROUTE,
    INGRESS,
    MODEL_ENDPOINT,
    SECRET,
    SERVICE,
    Key,
    ObjectRef,
)
from soloist.kinds import modelendpoint
from tests.support.fake_ports import World
from tests.support.kinds import PLATFORM

pytestmark = pytest.mark.asyncio
KEY = Key("ModelEndpoint", "demo", "delays")
REF = ObjectRef(MODEL_ENDPOINT, "demo", "delays")
BY_INGRESS = {"ingress": {"host": "delays.example.com"}}
BY_ROUTE = {"httpRoute": {"hostnames": ["delays.example.com"], "parentRef": {"name": "public"}}}
INSIDE = "http://delays.demo.svc/invocations"


@pytest.fixture
def world() -> World:
    world = World()
    world.cluster.add(
        MODEL_ENDPOINT,
        {"metadata": {"name": "delays", "namespace": "demo"}, "spec": {"model": "m"}},
    )
    return world


async def look(world: World, **gateway: Any) -> Any:
    """What it says after three looks at the endpoint with this gateway."""
    world.cluster.objects[REF]["spec"]["gateway"] = gateway
    for _ in range(3):
        await reconcile(modelendpoint.KIND, KEY, PLATFORM, world.ports)
    return world.cluster.objects[REF]["status"]


def made(world: World, kind: Any) -> Any:
    return world.cluster.objects.get(ObjectRef(kind, "demo", "delays"))


def answer(world: World, gateway: str, status: str, *, generation: int | None = None) -> None:
    """A Gateway says whether it takes the route."""
    said = {"type": "Accepted", "status": status, "message": f"{gateway} says {status}"}
    if generation is not None:
        said["observedGeneration"] = generation  # type: ignore[assignment] # JSON
    parents = [{"parentRef": {"name": gateway}, "conditions": [said]}]
    made(world, HTTP_ROUTE)["status"] = {"parents": parents}


async def test_one_way_takes_the_place_of_the_other_and_goes_when_it_is_not_wanted(
    world: World,
) -> None:
    said = await look(world, expose=BY_INGRESS)
    assert made(world, INGRESS)["spec"]["rules"][0]["host"] == "delays.example.com"
    assert said["url"] == "http://delays.example.com/invocations"
    said = await look(world, expose=BY_ROUTE)
    assert made(world, INGRESS) is None
    assert made(world, HTTP_ROUTE)["spec"]["parentRefs"] == [{"name": "public"}]
    assert said["url"] == INSIDE, "no Gateway took it yet"
    answer(world, "public", "True")
    assert (await look(world, expose=BY_ROUTE))["url"] == "https://delays.example.com/invocations"
    said = await look(world)
    assert (made(world, INGRESS), made(world, HTTP_ROUTE)) == (None, None)
    assert said["url"] == INSIDE


async def test_an_annotation_that_is_no_longer_wanted_goes(world: World) -> None:
    await look(world, expose={"ingress": {"host": "a.example.com", "annotations": {"a": "1"}}})
    assert made(world, INGRESS)["metadata"]["annotations"] == {"a": "1"}
    await look(world, expose={"ingress": {"host": "a.example.com"}})
    assert not made(world, INGRESS)["metadata"].get("annotations")


async def test_without_the_gateway_api_it_says_so_and_goes_on_when_it_comes(world: World) -> None:
    world.cluster.missing = {HTTP_ROUTE}
    said = await look(world, expose=BY_ROUTE)
    assert "The Gateway API is not installed" in said["summary"]
    world.cluster.missing = set()
    said = await look(world, expose=BY_ROUTE)
    assert "Gateway API" not in said["summary"]
    assert made(world, HTTP_ROUTE) is not None


async def test_an_ingress_that_is_refused_is_told_and_holds_up_nothing(world: World) -> None:
    world.cluster.refuse["Ingress"] = ClusterError(
        'admission webhook denied: host "delays.example.com" is taken',
        code=400,
        reason="BadRequest",
    )
    register = RegisterModel("m", "run-1", "m-1", "champion", {})
    await world.tracking.perform(register)
    await world.tracking.perform(SetAlias("m", "champion", "1"))
    said = await look(world, expose=BY_INGRESS)
    assert "is taken" in said["summary"]
    assert said["url"] == INSIDE
    assert made(world, SERVICE) is not None


async def test_a_secret_that_comes_is_no_longer_told_missing(world: World) -> None:
    gateway = {"auth": {"apiKeys": {"secretName": "keys"}}}
    said = await look(world, **gateway)
    assert "Secret keys does not exist in namespace demo" in said["summary"]
    secret = {"metadata": {"name": "keys", "namespace": "demo"}}
    world.cluster.add(SECRET, secret)
    assert "Secret" not in (await look(world, **gateway))["summary"]


async def test_what_another_gateway_said_of_the_route_is_not_this_ones_answer(world: World) -> None:
    """A controller leaves its words of a route that no longer names it."""
    await look(world, expose=BY_ROUTE)
    answer(world, "old", "False")
    assert "says" not in (await look(world, expose=BY_ROUTE))["summary"]
    answer(world, "old", "True")
    assert (await look(world, expose=BY_ROUTE))["url"] == INSIDE
    answer(world, "public", "False")
    said = await look(world, expose=BY_ROUTE)
    assert "Gateway public in namespace demo does not take the HTTPRoute delays: public says False" in said["summary"]  # fmt: skip


async def test_what_a_gateway_said_of_the_route_before_is_not_told_of_this_one(
    world: World,
) -> None:
    await look(world, expose=BY_ROUTE)
    made(world, HTTP_ROUTE)["metadata"]["generation"] = 2
    answer(world, "public", "False", generation=1)
    assert "says" not in (await look(world, expose=BY_ROUTE))["summary"]
    answer(world, "public", "True", generation=2)
    assert (await look(world, expose=BY_ROUTE))["url"] == "https://delays.example.com/invocations"
