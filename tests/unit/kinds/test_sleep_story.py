"""From the last request to the next one, through the loop itself: asleep, called, awake."""

from __future__ import annotations

import asyncio
from typing import Any

from soloist.api.parse import Resource, parse
from soloist.control.ports import Ports
from soloist.control.reconcile import reconcile
from soloist.core.effects import RegisterModel
from soloist.core.objects import AUTOSCALER, DEPLOYMENT, MODEL_ENDPOINT, POD, Key, ObjectRef
from soloist.kinds import modelendpoint
from soloist.kinds.modelendpoint import names, routing
from tests.support.fake_ports import World
from tests.support.gateway_page import page
from tests.support.kinds import PLATFORM

KEY = Key("ModelEndpoint", "demo", "flights")
REF = ObjectRef(MODEL_ENDPOINT, "demo", "flights")
SPEC = {"model": "m", "replicas": {"min": 0, "max": 3, "idleAfter": "10m"}}
GATEWAY = "http://10.0.0.7"


class Sleeper:
    """An endpoint, one pod of its gateway, and the Deployment controller."""

    def __init__(self) -> None:
        self.world = World()
        self.cluster, self.pages = self.world.cluster, self.world.pages
        self.ports = self.world.ports
        self.answers = 0
        meta = {"name": "flights", "namespace": "demo"}
        self.cluster.add(MODEL_ENDPOINT, {"metadata": meta, "spec": SPEC})
        asyncio.run(self.world.tracking.perform(RegisterModel("m", "run-1", "m-1", "candidate")))

    @property
    def endpoint(self) -> Resource[Any, Any]:
        found = parse(self.cluster.objects[REF], *_models())
        assert isinstance(found, Resource)
        return found

    def gateway_starts(self) -> None:
        labels = {**names.labels(self.endpoint), names.PART_LABEL: names.GATEWAY}
        meta = {"name": "gateway", "namespace": "demo", "labels": labels}
        self.cluster.add(
            POD, {"metadata": meta, "status": {"phase": "Running", "podIP": "10.0.0.7"}}
        )

    def look(self, minutes: float = 0) -> None:
        """Time passes, everybody does their part, and the operator looks a few times."""
        self.world.clock.advance(minutes=minutes)
        for _ in range(6):
            self._tell()
            asyncio.run(reconcile(modelendpoint.KIND, KEY, PLATFORM, self.ports))
            self._start_pods()

    def _tell(self) -> None:
        plan = routing.plan(self.endpoint, PLATFORM)
        if plan is not None:
            answers = (
                f'envoy_soloist_answers{{version="1",rung="champion",code="200"}} {self.answers}\n'
            )
            text = page(plan, {"1": self.pods()}) + answers
            self.pages.texts[f"{GATEWAY}:9901/stats/prometheus?text_readouts"] = text

    def _start_pods(self) -> None:
        for ref, body in sorted(self.cluster.objects.items()):
            if ref.kind == DEPLOYMENT:
                number = body["spec"]["replicas"]
                told = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas"), number)
                generation = body["metadata"]["generation"]
                self.cluster.edit(ref, status={**told, "observedGeneration": generation})

    def pods(self) -> int:
        found = self.cluster.objects.get(ObjectRef(DEPLOYMENT, "demo", "flights-v1"))
        return int(found["spec"]["replicas"]) if found else 0

    def reason(self) -> str:
        conditions = self.cluster.objects[REF]["status"]["conditions"]
        ready = next(one for one in conditions if one["type"] == "Ready")
        assert ready["status"] == "True", ready
        return str(ready["reason"])

    def called(self) -> list[Key]:
        woken: list[Key] = []
        asyncio.run(self.ports.doorbell.ring(self.pages.get, woken.append))
        return woken


def _models() -> tuple[Any, Any]:
    return modelendpoint.KIND.resource.spec, modelendpoint.KIND.resource.status


def test_pods_go_when_nobody_asks_and_come_with_the_next_request() -> None:
    it = Sleeper()
    it.look()
    it.gateway_starts()
    it.look()
    assert (it.pods(), it.reason()) == (1, "Ready")
    it.answers = 40
    it.look(minutes=9)
    it.look(minutes=9)
    assert it.pods() == 1  # ten minutes from the last request on, not from the first look
    it.look(minutes=2)
    assert (it.pods(), it.reason()) == (0, "Asleep")
    assert ObjectRef(AUTOSCALER, "demo", "flights") not in it.cluster.objects

    assert it.called() == []
    writes = len(it.cluster.writes)
    it.look(minutes=300)
    assert len(it.cluster.writes) == writes, "asleep, nothing is written"

    it.pages.texts[f"{GATEWAY}:9903/held"] = "1"
    assert it.called() == [KEY]
    it.look()
    assert (it.pods(), it.reason()) == (1, "Ready")
    assert ObjectRef(AUTOSCALER, "demo", "flights") in it.cluster.objects
    assert it.called() == [], "who is awake listens at no door"


def test_a_new_operator_finds_it_asleep_and_listens_again() -> None:
    it = Sleeper()
    it.look()
    it.gateway_starts()
    it.look()
    it.look(minutes=11)
    assert it.reason() == "Asleep"
    it.ports = Ports(
        it.cluster,
        it.world.tracking,
        it.world.git,
        it.pages,
        it.world.meter,
        it.world.clock,
        it.world.memory,
    )
    it.pages.texts[f"{GATEWAY}:9903/held"] = "1"
    assert it.called() == []
    it.pages.texts[f"{GATEWAY}:9903/held"] = "0"
    it.look()
    it.pages.texts[f"{GATEWAY}:9903/held"] = "1"
    assert it.called() == [KEY]


def test_a_deleted_endpoint_is_not_listened_for() -> None:
    it = Sleeper()
    it.look()
    it.gateway_starts()
    it.look()
    it.look(minutes=11)
    it.pages.texts[f"{GATEWAY}:9903/held"] = "1"
    del it.cluster.objects[REF]
    asyncio.run(reconcile(modelendpoint.KIND, KEY, PLATFORM, it.ports))
    assert it.called() == []
