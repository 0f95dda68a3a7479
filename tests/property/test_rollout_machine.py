"""A rollout under random people, versions, outages and deaths of the operator: whoever answers is never let down."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from soloist.api.v1alpha1.rollout import Rollout
from soloist.api.v1alpha1.rollout_status import RolloutRecord
from soloist.core.effects import DropAlias, SetAlias
from soloist.rollout.decision import Decision, decide
from soloist.rollout.machine import advance
from soloist.rollout.readings import Arms
from soloist.rollout.records import active, is_refused
from soloist.rollout.sentences import render
from soloist.rollout.world import (
    APPROVE,
    CANDIDATE,
    CHAMPION,
    PROMOTE,
    RETRY,
    ROLLBACK,
    Live,
    Pods,
    Registry,
    World,
)
from tests.support.rollouts import NOW, arm, arms, policy

VERSIONS = [str(number) for number in range(1, 6)]
SPECS = [
    None,
    policy(),
    policy(canary=[]),
    policy(shadow={"requests": 0}, canary=[5, 25, 75], stepDuration="5s"),
    policy(pauseAt=[50]),
    policy(onTimeout="Abort", timeout="5m"),
    policy(maxSurge=1),
    policy(maxSurge=0),
]
WELL, ILL, THIN = arms(arm(1000)), arms(arm(200, errors=200)), Arms()
VERSION = st.sampled_from(VERSIONS)


class RolloutMachine(RuleBasedStateMachine):
    """Versions in `bad` fail with traffic; those in `broken` never get ready. Nobody but the machine decides."""

    def __init__(self) -> None:
        super().__init__()
        self.spec: Rollout | None = None
        self.record = RolloutRecord()
        self.aliases: dict[str, str] = {}
        self.annotations: dict[str, str] = {}
        self.ready: dict[str, int] = {}
        self.failing: dict[str, object] = {}
        self.bad: set[str] = set()
        self.broken: set[str] = set()
        self.asked: set[str] = set()
        """Versions that a person asked for since they were refused."""
        self.room: int | None = None
        self.is_silent = self.is_thin = False
        self.routed = Decision((), None, (), ())
        self.now = NOW

    @initialize(spec=st.sampled_from(SPECS))
    def begin(self, spec: Rollout | None) -> None:
        self.spec = spec
        self.aliases[CANDIDATE] = "1"
        self.settle(5)

    # -- the world

    def world(self) -> World:
        rollout = active(self.record)
        readings = WELL
        if self.is_thin:
            readings = THIN
        elif rollout is not None and rollout.version in self.bad:
            readings = ILL
        registry = Registry("m", dict(self.aliases), frozenset(VERSIONS))
        pods = {
            version: Pods(count, count, failing_since=None) for version, count in self.ready.items()
        }
        for version in self.failing:
            pods[version] = Pods(2, 0, failing_since=NOW)
        return World(
            replicas=2,
            registry=None if self.is_silent else registry,
            pods=pods,
            readings=readings,
            room=self.room,
            annotations=dict(self.annotations),
            live=Live(dict(self.routed.weights), self.routed.shadow),
        )

    # -- what the operator does; it may die between any two of these

    @rule(seconds=st.sampled_from([1, 1, 30, 120]))
    def look(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        before, seen = self.record, self.world()
        self.record = advance(self.spec, before, seen, self.now)
        # Cut before it was written, and decided again: the same.
        assert advance(self.spec, before, seen, self.now) == self.record
        self.check_step(before)
        self.weights_are_those_of_the_policy()
        self.the_champion_has_pods_until_it_is_replaced()
        self.a_refused_version_has_no_traffic()
        render(self.record, self.world())

    @rule(first=st.integers(0, 9))
    def act(self, first: int = 9) -> None:
        """The gateways learn, the pods follow, and the first effects are done before the operator dies."""
        self.routed = decide(self.record, self.world())
        for effect in self.routed.effects[:first]:
            match effect:
                case SetAlias(_, alias, version):
                    self.aliases[alias] = version
                case DropAlias(_, alias, version) if self.aliases.get(alias) == version:
                    del self.aliases[alias]
                case _:
                    pass

    @rule()
    def pods_follow(self) -> None:
        wanted = dict(self.routed.pods)
        previous = self.record.previous
        if previous is not None:
            wanted.setdefault(previous, 2)  # the ladder's
        self.ready = {
            version: count for version, count in wanted.items() if version not in self.broken
        }

    @rule(rounds=st.integers(1, 8))
    def settle(self, rounds: int) -> None:
        for _ in range(rounds):
            self.look(61)
            self.look(1)  # the effects of the first are not done yet
            self.act()
            self.pods_follow()

    # -- what people and Runs do

    @rule(version=VERSION, is_bad=st.booleans(), is_broken=st.sampled_from([False, False, True]))
    def a_run_registers(self, version: str, is_bad: bool, is_broken: bool) -> None:
        if version not in self.known_good():
            (self.bad.add if is_bad else self.bad.discard)(version)
            (self.broken.add if is_broken else self.broken.discard)(version)
        self.aliases[CANDIDATE] = version

    def known_good(self) -> set[str | None]:
        return {self.record.champion, self.record.previous}

    @rule(version=VERSION)
    def somebody_moves_the_champion(self, version: str) -> None:
        self.aliases[CHAMPION] = version
        self.asked.add(version)

    @rule()
    def somebody_takes_the_candidate_back(self) -> None:
        self.aliases.pop(CANDIDATE, None)

    @rule(name=st.sampled_from([APPROVE, PROMOTE, RETRY, ROLLBACK]), version=VERSION)
    def somebody_annotates(self, name: str, version: str) -> None:
        self.annotations[name] = version
        if name in (PROMOTE, RETRY):
            self.asked.add(version)
        if name == ROLLBACK and self.record.previous is not None:
            self.asked.add(self.record.previous)

    @rule(name=st.sampled_from([APPROVE, PROMOTE, RETRY, ROLLBACK]))
    def somebody_takes_an_annotation_off(self, name: str) -> None:
        self.annotations.pop(name, None)

    @rule(spec=st.sampled_from(SPECS))
    def somebody_edits_the_policy(self, spec: Rollout | None) -> None:
        self.spec = spec

    @rule()
    def somebody_applies_the_same_manifest_again(self) -> None:
        if self.spec is not None:
            self.spec = Rollout.model_validate(self.spec.manifest())

    @rule(room=st.sampled_from([None, 0, 1, 2, 5]))
    def the_quota_changes(self, room: int | None) -> None:
        self.room = room

    @rule(is_silent=st.booleans())
    def the_registry(self, is_silent: bool) -> None:
        self.is_silent = is_silent

    @rule(is_thin=st.booleans())
    def traffic(self, is_thin: bool) -> None:
        self.is_thin = is_thin

    @precondition(lambda self: self.record.previous is not None)
    @rule()
    def the_champion_falls_sick_for_long(self) -> None:
        champion = self.record.champion
        if champion is not None:
            self.failing[champion] = True
            self.look(300)
            self.failing.clear()

    # -- what must hold

    def check_step(self, before: RolloutRecord) -> None:
        champion, now_champion = before.champion, self.record.champion
        if champion != now_champion and champion is not None:
            assert now_champion is not None
            ready, ended = self.ready.get(now_champion, 0), self.record.rollout
            # The one before takes over from a champion that has no pod at all with whatever it has.
            is_rescue = ended is not None and ended.reason == "Sick"
            least = 1 if is_rescue else 2
            assert ready >= least, f"v{now_champion} took over with {ready} pods"
        after = active(self.record)
        if after is not None and after.stage == "Canary":
            assert self.spec is not None
            assert after.weight in self.spec.canary
        was = {one.version for one in before.refused}
        if after is not None and after.version in was:
            assert after.version in self.asked, f"v{after.version} returned by itself"
        for one in self.record.refused:
            if one.version not in was:
                self.asked.discard(one.version)

    @invariant()
    def weights_are_those_of_the_policy(self) -> None:
        decision = decide(self.record, self.world())
        weights = dict(decision.weights)
        assert sum(weights.values()) in (0, 100)
        assert len(weights) <= 2
        rollout = active(self.record)
        if rollout is not None and self.record.champion is not None and rollout.weight:
            assert weights[self.record.champion] == 100 - rollout.weight
            assert rollout.stage in ("Canary", "Paused", "Swapping")
        if rollout is not None and rollout.stage in ("Deploying", "Shadow"):
            assert rollout.weight == 0

    @invariant()
    def the_champion_has_pods_until_it_is_replaced(self) -> None:
        decision = decide(self.record, self.world())
        pods, champion = dict(decision.pods), self.record.champion
        if champion is None:
            return
        rollout = active(self.record)
        staying = pods[champion]
        if rollout is None or rollout.stage != "Swapping":
            assert staying == 2
        else:
            assert staying + self.ready.get(rollout.version, 0) >= 1

    @invariant()
    def a_refused_version_has_no_traffic(self) -> None:
        for version, weight in decide(self.record, self.world()).weights:
            # A champion that a person leaves answers until the version before it is ready again.
            assert (
                weight == 0
                or version == self.record.champion
                or not is_refused(self.record, version)
            )

    @invariant()
    def what_is_written_stays_bounded_and_reads_back(self) -> None:
        assert RolloutRecord.model_validate(self.record.manifest()) == self.record

    # -- the end

    def teardown(self) -> None:
        """Left alone with traffic and a registry, it comes to rest, and rest writes nothing."""
        self.is_silent = self.is_thin = False
        self.settle(40)
        last = self.record
        effects = decide(last, self.world()).effects
        self.settle(2)
        assert self.record == last, "at rest nothing is written"
        rollout = active(self.record)
        if rollout is None:
            assert effects == ()
            assert self.record.champion in (None, self.aliases.get(CHAMPION))
        else:
            is_waiting = rollout.version in self.broken or rollout.stage == "Paused"
            assert is_waiting, (self.record, self.aliases)


RolloutMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestRolloutMachine = RolloutMachine.TestCase

EVENT = st.one_of(
    st.tuples(st.just("a_run_registers"), VERSION, st.booleans(), st.booleans()),
    st.tuples(st.just("somebody_moves_the_champion"), VERSION),
    st.tuples(st.just("somebody_takes_the_candidate_back")),
    st.tuples(st.just("somebody_annotates"), st.sampled_from([PROMOTE, RETRY, ROLLBACK]), VERSION),
    st.tuples(st.just("somebody_edits_the_policy"), st.sampled_from(SPECS)),
)
PARAMETERS = {
    "a_run_registers": ("version", "is_bad", "is_broken"),
    "somebody_moves_the_champion": ("version",),
    "somebody_annotates": ("name", "version"),
    "somebody_edits_the_policy": ("spec",),
}


def end_of(
    events: list[tuple[object, ...]], cuts: list[tuple[int, int]] | None
) -> tuple[object, ...]:
    """Where it comes to rest; with cuts the operator dies so many looks after each event, amid its effects."""
    machine = RolloutMachine()
    machine.begin(spec=policy())
    machine.settle(rounds=12)
    for number, (name, *arguments) in enumerate(events):
        named = dict(zip(PARAMETERS.get(str(name), ()), arguments, strict=True))
        getattr(machine, str(name))(**named)
        if cuts is not None:
            looks, effects = cuts[number]
            machine.settle(rounds=looks)
            machine.look(seconds=1)
            machine.act(first=effects)
        machine.settle(rounds=25)
    record, rollout = machine.record, machine.record.rollout
    ended = (rollout.version, rollout.stage, rollout.weight) if rollout is not None else None
    refused = [(one.version, one.reason) for one in record.refused]
    return record.champion, record.previous, ended, refused, machine.aliases


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_cut_anywhere_the_end_is_the_same(data: st.DataObject) -> None:
    events = data.draw(st.lists(EVENT, min_size=1, max_size=5))
    cut = st.tuples(st.integers(0, 6), st.integers(0, 3))
    cuts = data.draw(st.lists(cut, min_size=len(events), max_size=len(events)))
    assert end_of(events, cuts) == end_of(events, None)
