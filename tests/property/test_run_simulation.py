"""A Run in a world where everything may go wrong at any time, the operator included, always comes to its end."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from soloist.control.reconcile import reconcile
from soloist.core.objects import (
    CONFIG_MAP,
    NETWORK_POLICY,
    RAY_CLUSTER,
    RAY_JOB,
    RUN,
    Key,
    ObjectRef,
)
from soloist.core.outcome import Done, Outcome
from soloist.kinds import run
from tests.support.cut import Killed, Knife, cut
from tests.support.fake_ports import World
from tests.support.kinds import PLATFORM
from tests.support.toy_kuberay import ToyKubeRay

KEY = Key("Run", "demo", "flights-1")
REF = ObjectRef(RUN, "demo", "flights-1")
SHAPES: dict[str, list[dict[str, Any]]] = {
    "one": [{"name": "a"}],
    "row": [{"name": "a", "retries": 0}, {"name": "b"}],
    "fork": [{"name": "a"}, {"name": "b", "after": []}, {"name": "c", "after": ["a", "b"]}],
}
ENDS = ("Succeeded", "NonZeroExit", "OutOfMemory", "CommandNotFound", "Disrupted")


class RunSimulation(RuleBasedStateMachine):
    """Rules are what may happen; invariants are what never may."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.ray = ToyKubeRay(self.world.cluster, self.world.clock)
        self.uid = ""
        self.disrupted = 0
        self.memory = 0
        self.ended: set[str] = set()

    @initialize(shape=st.sampled_from(sorted(SHAPES)), logs_model=st.booleans())
    def apply(self, shape: str, logs_model: bool) -> None:
        self.steps = [{"command": "x", **step} for step in SHAPES[shape]]
        self.logs_model = logs_model
        meta = {"name": "code", "namespace": "demo"}
        self.world.cluster.add(CONFIG_MAP, {"metadata": meta, "data": {"a": "b"}})
        spec = {
            "source": {"configMap": "code"},
            "steps": self.steps,
            "model": "m",
            "experiment": "e",
        }
        meta = {"name": KEY.name, "namespace": "demo"}
        self.uid = self.world.cluster.add(RUN, {"metadata": meta, "spec": spec})

    # -- what may happen

    @rule(after=st.sampled_from([None, None, 1, 2, 3]))
    def operator(self, after: int | None) -> None:
        """A reconcile; or one that is killed after its n-th write."""
        self._reconcile(after)
        self.world.clock.advance(seconds=1)

    @rule(rounds=st.integers(2, 5))
    def everybody_works(self, rounds: int) -> None:
        """So that the interesting places are reached: a step under way, a retry, the end."""
        for _ in range(rounds):
            self.operator(None)
            self.ray.look()

    def _reconcile(self, after: int | None = None) -> Outcome | None:
        try:
            return asyncio.run(
                reconcile(run.KIND, KEY, PLATFORM, cut(self.world.ports, Knife(after)))
            ).outcome
        except Killed:
            return None

    @rule()
    def kuberay(self) -> None:
        self.ray.look()

    @precondition(lambda self: self.ray.running)
    @rule(data=st.data(), word=st.sampled_from(ENDS))
    def a_command_ends(self, data: st.DataObject, word: str) -> None:
        self._end(data.draw(st.sampled_from(sorted(self.ray.running))), word)

    def _end(self, uid: str, word: str) -> None:
        step = self.ray.running[uid]
        self.disrupted += word == "Disrupted"
        if word == "Succeeded":
            self.ended.add(step)
            if self.logs_model and ("e", self.uid) in self.world.tracking.runs:
                asyncio.run(self.world.tracking.log_model("e", self.uid, step))
        self.ray.end(uid, word)

    @precondition(lambda self: self.ray.running)
    @rule(data=st.data())
    def a_command_takes_too_long(self, data: st.DataObject) -> None:
        self.ray.time_out(data.draw(st.sampled_from(sorted(self.ray.running))))

    @rule()
    def the_head_is_lost(self) -> None:
        self.ray.lose_heads()

    @precondition(lambda self: self.ray.running)
    @rule()
    def the_head_runs_out_of_memory(self) -> None:
        self.world.clock.advance(seconds=1)
        self.memory += 1
        self.ray.lose_heads(out_of_memory=True)
        self.world.clock.advance(seconds=1)

    @rule(down=st.booleans())
    def mlflow(self, down: bool) -> None:
        self.world.tracking.down = down

    @rule(kind=st.sampled_from([NETWORK_POLICY, RAY_CLUSTER, RAY_JOB]))
    def somebody_deletes_a_child(self, kind: Any) -> None:
        for ref, body in sorted(self.world.cluster.objects.items()):
            if ref.kind == kind and (
                kind != RAY_JOB or body["metadata"]["uid"] in self.ray.running
            ):
                self.world.cluster.remove(ref)
                return

    # -- what never may

    @invariant()
    def no_step_starts_before_those_that_it_needs(self) -> None:
        for index, step in enumerate(getattr(self, "steps", ())):
            needs = step.get("after", [self.steps[index - 1]["name"]] if index else [])
            if self.ray.starts[step["name"]]:
                assert set(needs) <= self.ended

    @invariant()
    def no_step_is_tried_more_often_than_it_may(self) -> None:
        for step in getattr(self, "steps", ()):
            tried = {attempt for name, attempt in self.ray.jobs if name == step["name"]}
            assert len(tried) <= 1 + step.get("retries", 1) + self.disrupted

    @invariant()
    def a_finished_run_stays_as_it_is(self) -> None:
        said = self._status().get("phase")
        before = getattr(self, "final", None)
        assert before in (None, said)
        if said in ("Succeeded", "Failed"):
            self.final = said

    def _status(self) -> dict[str, Any]:
        body = self.world.cluster.objects.get(REF)
        return (body or {}).get("status") or {}

    # -- the end

    def teardown(self) -> None:
        """From wherever the world is now: everything works again, and all commands succeed."""
        if not self.uid:
            return
        self.world.tracking.down = False
        for _ in range(60):
            outcome = self._reconcile()
            self.world.clock.advance(seconds=1)
            self.ray.look()
            for uid in sorted(self.ray.running):
                self._end(uid, "Succeeded")
            if isinstance(outcome, Done) and self._is_over():
                break
        self._check_the_end()

    def _is_over(self) -> bool:
        kinds = {ref.kind for ref in self.world.cluster.objects}
        return self._status().get("phase") in ("Succeeded", "Failed") and RAY_CLUSTER not in kinds

    def _check_the_end(self) -> None:
        phase, tracking = self._status().get("phase"), self.world.tracking
        assert phase in ("Succeeded", "Failed"), self._status()
        left = {ref.kind.kind for ref in self.world.cluster.objects}
        assert left <= {"Run", "ConfigMap"}, left
        (tracked,) = tracking.runs.values()
        assert tracked.status == ("FINISHED" if phase == "Succeeded" else "FAILED")
        versions = tracking._versions.get("m", [])
        registered = phase == "Succeeded" and bool(tracked.models)
        assert len(versions) == registered
        if registered:
            assert tracking.models["m"].aliases == {"candidate": versions[0].version}
            assert self._status()["model"] == {"name": "m", "version": versions[0].version}
        writes = len(self.world.cluster.writes)
        self._reconcile()
        self._reconcile()
        assert len(self.world.cluster.writes) <= writes + 1  # the finalizer goes last
        assert (
            "finalizers" not in self.world.cluster.objects[REF]["metadata"]
            or not (self.world.cluster.objects[REF]["metadata"]["finalizers"])
        )


RunSimulation.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestRunSimulation = RunSimulation.TestCase
