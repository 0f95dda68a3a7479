"""Somebody else says how many pods there are, on a real API server: the operator neither undoes it nor takes it away."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from soloist.adapters.kube_client import KubeCluster
from soloist.adapters.kube_transport import Transport
from soloist.api.platform import Autoscaling
from soloist.core.objects import AUTOSCALER, DEPLOYMENT, PROJECT, ObjectRef
from tests.apiserver.people import RealPeople
from tests.cluster.apiserver import ControlPlane
from tests.support.demo import SPEC, Demo
from tests.support.fake_ports import FakeClock

pytestmark = pytest.mark.asyncio
_numbers = itertools.count(1)


class Scaled:
    """A served project, and the hands of an autoscaler and of a user."""

    def __init__(self, plane: ControlPlane, transport: Transport) -> None:
        self.plane = plane
        self.namespace = f"scaled-{next(_numbers)}"
        plane.kubectl("create", "namespace", self.namespace)
        self.demo = Demo(KubeCluster(transport), RealPeople(transport), self.namespace, FakeClock())
        self.numbers: list[int] = []
        """Of the champion's pods, after each round."""
        play = self.demo.story.play

        async def look_and_play() -> bool:
            live = await self.champion()
            if live is not None:
                self.numbers.append(live["spec"]["replicas"])
            return await play()

        self.demo.story.play = look_and_play

    async def champion(self) -> Mapping[str, Any] | None:
        return await self.demo.cluster.get(ObjectRef(DEPLOYMENT, self.namespace, "flights-v1"))

    async def autoscaler(self) -> Mapping[str, Any] | None:
        return await self.demo.cluster.get(ObjectRef(AUTOSCALER, self.namespace, "flights"))

    async def replicas(self, **bounds: int | None) -> list[int]:
        """The user writes these bounds, None takes one away; every number that the pods had from then on."""
        return await self.endpoint(replicas=bounds)

    async def endpoint(self, **fields: Any) -> list[int]:
        spec = {**SPEC, "endpoint": fields}
        self.numbers.clear()
        await self.demo.people.edit(ObjectRef(PROJECT, self.namespace, "flights"), {"spec": spec})
        await self.demo.story.settle()
        return self.numbers

    async def scale(self, number: int) -> None:
        """As an autoscaler does, by the scale subresource."""
        self.plane.kubectl(
            *("-n", self.namespace, "scale", "deployment/flights-v1", f"--replicas={number}")
        )
        await self.demo.story.settle()


@pytest.fixture
async def it(kuberay: ControlPlane, transport: Transport) -> Scaled:
    """Served by two pods, which may become five."""
    scaled = Scaled(kuberay, transport)
    await scaled.demo.apply()
    assert scaled.numbers[-1] == 2
    return scaled


async def test_what_an_autoscaler_says_is_not_undone(it: Scaled) -> None:
    await it.scale(4)
    live, before = await it.champion(), len(it.plane.writes())
    assert await it.demo.story.settle() == 0
    assert it.plane.writes()[before:] == []
    assert live == await it.champion()
    assert it.numbers[-1] == 4
    # An edit of the pods is an apply of ours that forces the number: neither it nor the next one may take it away.
    assert set(await it.endpoint(replicas={"min": 2, "max": 5}, cpu="200m")) == {4}
    assert set(await it.endpoint(replicas={"min": 2, "max": 5}, cpu="300m")) == {4}
    live = await it.champion()
    assert live is not None
    (server,) = live["spec"]["template"]["spec"]["containers"]
    assert server["resources"]["requests"]["cpu"] == "300m"
    await it.scale(3)
    assert set(await it.endpoint(replicas={"min": 2, "max": 5}, cpu="400m")) == {3}


async def test_autoscaling_off_and_on_again_never_drops_pods(it: Scaled) -> None:
    await it.scale(4)
    assert set(await it.replicas(min=4, max=None)) == {4}
    assert await it.autoscaler() is None
    assert set(await it.replicas(min=2, max=5)) == {4}
    found = await it.autoscaler()
    assert found is not None
    assert (found["spec"]["minReplicas"], found["spec"]["maxReplicas"]) == (2, 5)
    # The bounds hold before an autoscaler has looked.
    assert set(await it.replicas(min=5, max=7)) == {5}
    assert set(await it.replicas(min=1, max=3)) == {3}


async def test_an_autoscaler_by_requests_is_taken_as_it_was_written(
    kuberay: ControlPlane, transport: Transport
) -> None:
    """Settled means that the API server gave back what was asked for: no default or spelling of it makes a second write."""
    it = Scaled(kuberay, transport)
    story = it.demo.story
    by_requests = Autoscaling(metric="inFlight")
    story.platform = story.platform.model_copy(update={"autoscaling": by_requests})
    await it.demo.apply()
    assert await story.settle() == 0
    await it.replicas(min=0, max=5)
    found = await it.autoscaler()
    assert found is not None
    assert found["spec"]["minReplicas"] == 1
    assert found["spec"]["metrics"][0]["type"] == "Pods"
    assert await story.settle() == 0
