"""A ModelEndpoint under random versions, crashes, outages and deaths of the operator: who is served is never let down."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from soloist.control.reconcile import reconcile
from soloist.core.effects import RegisterModel, SetAlias
from soloist.core.objects import CONFIG_MAP, DEPLOYMENT, MODEL_ENDPOINT, Key, ObjectRef
from soloist.kinds import modelendpoint
from soloist.kinds.modelendpoint.names import VERSION_LABEL
from tests.support.cut import Killed, Knife, cut
from tests.support.fake_ports import World
from tests.support.kinds import PLATFORM

KEY = Key("ModelEndpoint", "demo", "flights")
REF = ObjectRef(MODEL_ENDPOINT, "demo", "flights")
ROUTED_BY = ObjectRef(CONFIG_MAP, "demo", "flights-gateway")


class EndpointSimulation(RuleBasedStateMachine):
    """`bad` versions never become ready; every write of the operator is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.cluster, self.tracking = self.world.cluster, self.world.tracking
        self.bad: set[str] = set()
        self.lost: set[str] = set()
        """Versions whose pods somebody else took down."""
        self.versions = 0
        self.is_served = False

    @initialize(replicas=st.integers(1, 2))
    def apply(self, replicas: int) -> None:
        spec = {"model": "m", "replicas": {"min": replicas}}
        self.cluster.add(
            MODEL_ENDPOINT, {"metadata": {"name": "flights", "namespace": "demo"}, "spec": spec}
        )

    # -- what may happen

    @rule(after=st.sampled_from([None, None, None, 1, 2, 3]), seconds=st.integers(0, 6))
    def operator(self, after: int | None, seconds: int) -> None:
        before, writes = self.selected(), len(self.cluster.writes)
        live = {ref: body for ref, body in self.cluster.objects.items() if ref.kind == DEPLOYMENT}
        with contextlib.suppress(Killed):
            asyncio.run(
                reconcile(modelendpoint.KIND, KEY, PLATFORM, cut(self.world.ports, Knife(after)))
            )
        self.check(before, live, self.cluster.writes[writes:])
        self.world.clock.advance(seconds=seconds)

    def check(
        self, before: str | None, live: dict[ObjectRef, Any], writes: list[tuple[str, ObjectRef]]
    ) -> None:
        """The gateway is only switched to ready pods, and what it points at is not taken away."""
        after = self.selected()
        was_served = self.is_served and self.ready(before or "", live) > 0
        self.is_served = "served" in self.cluster.objects[REF].get("status", {})
        if after != before and was_served:
            assert self.ready(after or "", live) > 0, (
                f"switched from v{before} to v{after} too early"
            )
        gone = {ref for verb, ref in writes if verb == "delete"}
        assert not any(self.version(live[ref]) == after for ref in gone if ref in live)

    @rule()
    def pods_start(self) -> None:
        self.deployments_settle()

    def deployments_settle(self) -> None:
        for ref, body in sorted(self.cluster.objects.items()):
            if ref.kind != DEPLOYMENT:
                continue
            asked = body["spec"]["replicas"]
            ready = 0 if self.version(body) in self.bad | self.lost else asked
            told = {"replicas": asked, "updatedReplicas": asked, "readyReplicas": ready}
            self.cluster.edit(
                ref, status={**told, "observedGeneration": body["metadata"]["generation"]}
            )

    @rule(is_bad=st.booleans())
    def a_run_registers_a_version(self, is_bad: bool) -> None:
        if self.tracking.down:
            return
        self.versions += 1
        run = f"run-{self.versions}"
        asyncio.run(self.tracking.perform(RegisterModel("m", run, f"m-{run}", "candidate")))
        if is_bad:
            self.bad.add(str(self.versions))

    @rule(data=st.data(), alias=st.sampled_from(["champion", "candidate"]))
    def somebody_moves_an_alias(self, data: st.DataObject, alias: str) -> None:
        if self.versions and not self.tracking.down:
            version = str(data.draw(st.integers(1, self.versions)))
            asyncio.run(self.tracking.perform(SetAlias("m", alias, version)))

    @rule()
    def somebody_drops_the_candidate(self) -> None:
        model = self.tracking.models.get("m")
        if model is not None:
            model.aliases.pop("candidate", None)  # type: ignore[attr-defined]  # the fake's is a dict

    @rule(data=st.data())
    def a_node_goes_with_its_pods(self, data: st.DataObject) -> None:
        if self.versions:
            self.lost.add(str(data.draw(st.integers(1, self.versions))))
            self.deployments_settle()

    @rule()
    def the_node_comes_back(self) -> None:
        self.lost.clear()

    @rule(down=st.booleans())
    def mlflow(self, down: bool) -> None:
        self.tracking.down = down

    @rule(replicas=st.integers(1, 3))
    def somebody_changes_replicas(self, replicas: int) -> None:
        self.cluster.edit(REF, spec={"model": "m", "replicas": {"min": replicas}})

    @rule(rounds=st.integers(2, 6))
    def everybody_works(self, rounds: int) -> None:
        for _ in range(rounds):
            self.operator(None, 3)
            self.deployments_settle()

    # -- what is seen

    def selected(self) -> str | None:
        """The version that the gateway's files send requests to."""
        files = self.cluster.objects.get(ROUTED_BY)
        if files is None:
            return None
        ladder = next(
            one
            for one in json.loads(files["data"]["cds.json"])["resources"]
            if one["name"] == "champion"
        )
        first = ladder["cluster_type"]["typed_config"]["clusters"][0]
        return str(first.removeprefix("v"))

    def version(self, deployment: dict[str, Any]) -> str:
        return str(deployment["metadata"]["labels"].get(VERSION_LABEL, ""))

    def ready(self, version: str, live: dict[ObjectRef, Any]) -> int:
        found = (body for body in live.values() if self.version(body) == version)
        return sum((body.get("status") or {}).get("readyReplicas", 0) for body in found)

    # -- the end

    def teardown(self) -> None:
        if REF not in self.cluster.objects:
            return
        self.tracking.down = False
        self.lost.clear()
        for _ in range(12):
            self.operator(None, 6)
            self.deployments_settle()
        status = self.cluster.objects[REF]["status"]
        aliases = dict(self.tracking.models["m"].aliases) if self.versions else {}
        served = (status.get("served") or {}).get("version")
        wanted = aliases.get("candidate") or aliases.get("champion")
        is_stuck = aliases.get("champion") in self.bad  # by hand, and obeyed before any candidate
        if wanted is not None and wanted not in self.bad and not is_stuck:
            assert served == wanted == aliases["champion"], (status, aliases)
            assert "candidate" not in aliases
        if served is not None:
            assert self.selected() == served
        previous = status["release"].get("previous")
        kept = {served, previous, (status.get("target") or {}).get("version")} - {None}
        pods = {self.version(b) for r, b in self.cluster.objects.items() if r.kind == DEPLOYMENT}
        pods -= {""}  # the gateway's own
        assert pods == kept
        writes = len(self.cluster.writes)
        self.operator(None, 6)
        assert len(self.cluster.writes) == writes, "at rest nothing is written"


EndpointSimulation.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None
)
TestEndpointSimulation = EndpointSimulation.TestCase
