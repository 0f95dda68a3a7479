"""A Pipeline under edits, requests, the clock and deaths of the operator: every trigger is answered, none twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from soloist.api.conditions import parse_time, rfc3339
from soloist.control.reconcile import reconcile
from soloist.core.objects import CONFIG_MAP, PIPELINE, RUN, Key, ObjectRef
from soloist.kinds import pipeline
from soloist.kinds.pipeline.names import ANSWERS, REQUEST
from tests.support.cut import Killed, Knife, cut
from tests.support.fake_ports import World
from tests.support.kinds import PLATFORM

KEY = Key("Pipeline", "demo", "flights")
REF = ObjectRef(PIPELINE, "demo", "flights")
CODE = ObjectRef(CONFIG_MAP, "demo", "code")
ENDED = ("Succeeded", "Failed")


class PipelineSimulation(RuleBasedStateMachine):
    """Runs are only objects here: they begin and end when a rule says so."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.cluster, self.clock = self.world.cluster, self.world.clock
        self.seen: dict[str, dict[str, Any]] = {}
        """Every Run that was ever there, by UID, in the order of their making."""
        self.requests = 0
        self.policy = ""

    @initialize(
        policy=st.sampled_from(["Forbid", "Replace", "Allow"]),
        schedule=st.sampled_from([None, "*/10 * * * *", "0 * * * *"]),
    )
    def apply(self, policy: str, schedule: str | None) -> None:
        self.policy = policy
        spec = {
            "source": {"configMap": "code"},
            "steps": [{"name": "a", "command": "x"}],
            "concurrencyPolicy": policy,
            "startingDeadline": "15m",
            "history": {"succeeded": 1, "failed": 1},
            **({"schedule": schedule} if schedule else {}),
        }
        self.new_code("A")
        meta = {
            "name": "flights",
            "namespace": "demo",
            "creationTimestamp": rfc3339(self.clock.now()),
        }
        self.cluster.add(PIPELINE, {"metadata": meta, "spec": spec})

    # -- what may happen

    @rule(after=st.sampled_from([None, None, None, 1, 2]))
    def operator(self, after: int | None) -> None:
        with contextlib.suppress(Killed):
            asyncio.run(
                reconcile(pipeline.KIND, KEY, PLATFORM, cut(self.world.ports, Knife(after)))
            )
        for ref, body in sorted(self.cluster.objects.items()):
            if ref.kind == RUN:
                self.seen.setdefault(body["metadata"]["uid"], body)

    @rule(text=st.sampled_from("ABC"))
    def new_code(self, text: str) -> None:
        if CODE in self.cluster.objects:
            self.cluster.edit(CODE, data={"a": text})
        else:
            meta = {"name": "code", "namespace": "demo"}
            self.cluster.add(CONFIG_MAP, {"metadata": meta, "data": {"a": text}})

    @rule()
    def the_code_is_deleted(self) -> None:
        if CODE in self.cluster.objects:
            self.cluster.remove(CODE)

    @rule()
    def somebody_asks(self) -> None:
        self.requests += 1
        body = self.cluster.objects[REF]
        meta = {**body["metadata"], "annotations": {REQUEST: f"please {self.requests}"}}
        self.cluster.edit(REF, metadata=meta)

    @rule(minutes=st.sampled_from([1, 9, 10, 11, 59, 180]))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)

    @rule(phase=st.sampled_from(ENDED))
    def a_run_ends(self, phase: str) -> None:
        for ref in self.live():
            if self.phase(ref) not in ENDED:
                self.cluster.edit(ref, status={"phase": phase, "summary": phase})
                return

    @rule(data=st.data())
    def somebody_deletes_a_run(self, data: st.DataObject) -> None:
        # One that the operator made with its dying breath, and that nobody has seen, may come back under its name.
        number = self.cluster.objects[REF].get("status", {}).get("lastRunNumber", 0)
        known = [ref for ref in self.live() if int(ref.name.rpartition("-")[2]) <= number]
        if known:
            self.cluster.remove(data.draw(st.sampled_from(known)))

    @rule(suspend=st.booleans())
    def somebody_suspends(self, suspend: bool) -> None:
        self.cluster.edit(REF, spec={**self.cluster.objects[REF]["spec"], "suspend": suspend})

    # -- what never may

    @invariant()
    def no_trigger_is_answered_twice(self) -> None:
        told = [body["spec"]["trigger"] for body in self.seen.values()]
        once = Counter(one["id"] for one in told if one["reason"] in ("Schedule", "Request"))
        assert set(once.values()) <= {1}, once

    @invariant()
    def no_code_is_run_twice_in_a_row_for_its_own_sake(self) -> None:
        before = None
        for body in self.seen.values():
            answers = body["metadata"]["annotations"][ANSWERS]
            assert body["spec"]["trigger"]["reason"] != "Source" or answers != before
            before = answers

    @invariant()
    def no_number_is_used_twice(self) -> None:
        numbers = [int(body["metadata"]["name"].rpartition("-")[2]) for body in self.seen.values()]
        assert numbers == sorted(set(numbers))

    @invariant()
    def only_allow_lets_two_work(self) -> None:
        active = [ref for ref in self.live() if self.phase(ref) not in ENDED]
        assert self.policy == "Allow" or len(active) <= 1 + (self.policy == "Replace")

    @invariant()
    def no_time_is_answered_too_late(self) -> None:
        for body in self.seen.values():
            trigger = body["spec"]["trigger"]
            if trigger["reason"] == "Schedule":
                made = parse_time(body["metadata"]["creationTimestamp"])
                assert (made - parse_time(trigger["id"])).total_seconds() <= 15 * 60

    def live(self) -> list[ObjectRef]:
        return sorted(ref for ref in self.cluster.objects if ref.kind == RUN)

    def phase(self, ref: ObjectRef) -> str:
        return str((self.cluster.objects[ref].get("status") or {}).get("phase", "Pending"))

    # -- the end

    def teardown(self) -> None:
        """The last code and the last request are answered, and then nothing is written."""
        if REF not in self.cluster.objects:
            return
        self.new_code("Z")
        self.somebody_suspends(False)
        for _ in range(6):
            self.operator(None)
            for _ in self.live():
                self.a_run_ends("Succeeded")
        self.no_trigger_is_answered_twice()
        ids = [body["spec"]["trigger"]["id"] for body in self.seen.values()]
        assert not self.requests or f"please {self.requests}" in ids
        newest = list(self.seen.values())[-1]
        status = self.cluster.objects[REF]["status"]
        assert status["lastTrigger"] == newest["metadata"]["annotations"][ANSWERS]
        assert [self.phase(ref) for ref in self.live()].count("Failed") <= 1
        assert [self.phase(ref) for ref in self.live()].count("Succeeded") == 1
        writes = len(self.cluster.writes)
        self.operator(None)
        assert len(self.cluster.writes) == writes, "at rest nothing is written"


PipelineSimulation.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None
)
TestPipelineSimulation = PipelineSimulation.TestCase
