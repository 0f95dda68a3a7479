"""Every way from one stage to the next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from soloist.api.v1alpha1.rollout_status import RolloutRecord
from soloist.core.effects import DropAlias, SetAlias, TagVersion
from soloist.rollout.decision import decide
from soloist.rollout.sentences import render
from soloist.rollout.world import APPROVE, PROMOTE, RETRY, ROLLBACK, Pods
from tests.support.rollouts import NOW, Story, arm, arms, policy, served, world

GOOD = arms(arm(1000))
BAD = arms(arm(200, errors=100))


def in_shadow(**fields: object) -> Story:
    story = Story(policy(**fields), served())
    story.see(world())
    story.see(world(live=(0, "2")))
    assert story.stage == "Shadow"
    return story


def in_canary(**fields: object) -> Story:
    story = in_shadow(**fields)
    story.see(world(live=(0, "2"), readings=GOOD))
    story.see(world(live=(10, None)))
    assert (story.stage, story.weight) == ("Canary", 10)
    return story


def test_a_good_version_goes_through_shadow_and_canary_and_is_promoted() -> None:
    story = Story(policy(), served())
    seen = [(story.see(world(ready={"1": 2, "2": 1})).rollout, story.stage)[1]]
    seen.append((story.see(world()), story.stage)[1])
    story.see(world(live=(0, "2")))
    for weight in (10, 50):
        story.see(world(live=(story.weight, "2"), readings=GOOD), seconds=61)
        assert story.weight == weight
        story.see(world(live=(weight, None)))
    record = story.see(world(live=(50, None), readings=GOOD), seconds=61)
    assert seen == ["Deploying", "Shadow"]
    assert (record.champion, record.previous, story.stage) == ("2", "1", "Promoted")


def test_a_promotion_is_told_to_the_registry_and_the_candidates_alias_goes_last() -> None:
    promoted = RolloutRecord(champion="2", previous="1", champion_alias="1")
    assert decide(promoted, world()).effects == (
        SetAlias("m", "previous", "1"),
        SetAlias("m", "champion", "2"),
        DropAlias("m", "candidate", "2"),
    )
    assert decide(promoted, world(candidate=None, champion="2")).effects == ()


def test_a_version_that_fails_loses_its_traffic_at_once_and_is_not_tried_again() -> None:
    story = in_canary()
    record = story.see(world(live=(10, None), readings=BAD))
    assert (story.stage, story.weight, record.champion) == ("Aborted", 0, "1")
    decision = decide(record, world())
    assert decision.weights == (("1", 100),)
    assert decision.effects[-1] == DropAlias("m", "candidate", "2")
    tags = decision.effects[0]
    assert isinstance(tags, TagVersion)
    assert tags.tags["soloist.dev/gate.errorRate"].startswith("Fail: 50 % (n=200)")
    again = story.see(world(), seconds=3600)
    assert again == record
    assert "To try it again: kubectl annotate" in render(record, world())


def test_without_a_policy_the_version_is_switched_to_when_it_is_ready() -> None:
    story = Story(None, served())
    assert story.see(world(ready={"1": 2, "2": 1})).champion == "1"
    assert story.see(world()).champion == "2"


def test_the_first_version_has_nothing_to_be_compared_with() -> None:
    story = Story(policy(), RolloutRecord())
    seen = world(champion=None, ready={"2": 0})
    assert decide(story.see(seen), seen).weights == (("2", 100),)
    assert story.see(world(champion=None, ready={"2": 2})).champion == "2"


def test_a_silent_registry_changes_nothing_that_was_decided() -> None:
    story = in_canary()
    before = story.record
    record = story.see(world(live=(10, None), registry=None))
    assert record.rollout is not None
    assert before.rollout is not None
    assert (record.rollout.stage, record.rollout.weight) == ("Canary", 10)
    assert decide(record, world(registry=None)).effects == ()


def test_thin_traffic_neither_passes_nor_fails() -> None:
    story = in_canary()
    for _ in range(20):
        story.see(world(live=(10, None), readings=arms(arm(30))), seconds=600)
    assert (story.stage, story.weight) == ("Canary", 10)


def test_a_stage_without_data_can_be_told_to_abort() -> None:
    story = in_canary(onTimeout="Abort", timeout="10m")
    record = story.see(world(live=(10, None), readings=arms(arm(30))), seconds=601)
    assert record.refused[0].reason == "Timeout"
    assert record.refused[0].message.startswith("not enough data after 10m")


def test_a_stage_counts_from_when_the_gateway_routes_so() -> None:
    story = Story(policy(), served())
    story.see(world())
    story.see(world(readings=GOOD), seconds=600)
    assert story.stage == "Shadow"
    assert story.record.rollout is not None
    assert story.record.rollout.live_since is None


def test_a_pause_waits_for_the_approval_of_this_version_and_goes_on_judging() -> None:
    story = in_canary(pauseAt=[10])
    story.see(world(live=(10, None), readings=GOOD), seconds=61)
    assert (story.stage, story.weight) == ("Paused", 10)
    story.see(world(live=(10, None), readings=GOOD, annotations={APPROVE: "1"}), seconds=61)
    assert story.stage == "Paused"
    assert "waits at 10 % for an approval" in render(story.record, world())
    failed = Story(story.spec, story.record)
    failed.see(world(live=(10, None), readings=BAD))
    assert failed.stage == "Aborted"
    story.see(world(live=(10, None), readings=GOOD, annotations={APPROVE: "2"}))
    assert (story.stage, story.weight) == ("Canary", 50)


def test_a_newer_candidate_takes_the_olders_place_and_begins_at_the_beginning() -> None:
    story = in_canary()
    record = story.see(world(candidate="3", ready={"1": 2, "2": 2, "3": 0}))
    assert record.rollout is not None
    assert (record.rollout.version, story.stage, story.weight) == ("3", "Deploying", 0)
    assert [version for version, _ in decide(record, world(candidate="3")).pods] == ["1", "3"]


def test_a_candidate_whose_alias_is_taken_away_is_withdrawn_and_may_come_again() -> None:
    story = in_canary()
    story.see(world(candidate=None))
    assert (story.stage, story.weight, story.record.refused) == ("Withdrawn", 0, [])
    story.see(world())
    assert story.stage in ("Deploying", "Shadow")


@pytest.mark.parametrize("candidate", ["2", None])
def test_a_champion_that_a_person_chose_is_obeyed_without_gates_once_its_pods_are_ready(
    candidate: str | None,
) -> None:
    story = Story(policy(), served())
    story.see(world(candidate=candidate, champion="3", ready={"1": 2}))
    assert story.record.champion == "1"
    record = story.see(world(candidate=candidate, champion="3", ready={"1": 2, "3": 2}))
    assert (record.champion, record.previous) == ("3", "1")


def test_the_alias_that_still_stands_at_the_old_champion_is_no_wish_to_go_back() -> None:
    promoted = RolloutRecord(champion="2", previous="1", champion_alias="1")
    story = Story(policy(), promoted)
    assert story.see(world()) == promoted
    confirmed = story.see(world(candidate=None, champion="2"))
    assert confirmed.champion_alias == "2"
    back = story.see(world(candidate=None, champion="1"))
    assert back.champion == "1"


def test_an_endpoint_from_before_there_was_a_memory_finishes_its_promotion() -> None:
    old = RolloutRecord(champion="2")
    assert SetAlias("m", "champion", "2") in decide(old, world()).effects
    assert Story(policy(), old).see(world()).champion == "2"


def test_rolled_back_by_hand_the_previous_version_answers_and_the_other_does_not_return() -> None:
    story = Story(policy(), served("2", previous="1"))
    asked = {ROLLBACK: "2"}
    story.see(world(candidate=None, champion="2", ready={"2": 2}, annotations=asked))
    assert story.record.champion == "2"
    record = story.see(world(candidate=None, champion="2", annotations=asked))
    assert (record.champion, record.previous) == ("1", None)
    effects = decide(record, world(candidate=None, champion="2")).effects
    assert SetAlias("m", "champion", "1") in effects
    assert story.see(world(candidate="2", annotations=asked)).champion == "1"
    assert [one.version for one in story.record.refused] == ["2"]


def test_a_rollout_can_be_rolled_back_by_hand() -> None:
    story = in_canary()
    record = story.see(world(live=(10, None), annotations={ROLLBACK: "2"}))
    assert (story.stage, record.refused[0].reason) == ("Aborted", "ByHand")


def test_promoted_by_hand_a_version_skips_what_is_left() -> None:
    story = in_canary()
    record = story.see(world(live=(10, None), annotations={PROMOTE: "2"}))
    assert (record.champion, record.answered.promote) == ("2", "2")
    assert (
        story.see(world(candidate=None, champion="2", annotations={PROMOTE: "2"})).champion == "2"
    )


def test_a_refused_version_is_tried_again_once_when_somebody_asks() -> None:
    story = in_canary()
    story.see(world(live=(10, None), readings=BAD))
    asked = {RETRY: "2"}
    record = story.see(world(candidate=None, ready={"1": 2}, annotations=asked))
    assert story.stage == "Deploying"
    gone = world(candidate=None, ready={"1": 2}, annotations=asked)
    assert decide(record, gone).effects == (SetAlias("m", "candidate", "2"),)
    story.see(world(annotations=asked))
    story.see(world(live=(0, "2"), annotations=asked))
    story.see(world(live=(0, "2"), readings=BAD, annotations=asked))
    assert story.stage == "Aborted"
    story.see(world(annotations=asked), seconds=60)
    assert story.stage == "Aborted"


def test_a_sick_champion_gives_way_to_the_previous_version_whose_pods_answer() -> None:
    story = Story(policy(), served("2", previous="1"))
    sick = {"1": Pods(2, 2), "2": Pods(2, 0, failing_since=NOW)}
    story.see(world(candidate=None, champion="2", pods=sick), seconds=60)
    assert story.record.champion == "2"
    record = story.see(world(candidate=None, champion="2", pods=sick), seconds=61)
    assert (record.champion, record.refused[0].reason) == ("1", "Sick")
    assert "v2 was refused" in render(record, world())


def test_a_crash_loop_fails_while_the_pods_start() -> None:
    story = Story(policy(), served())
    pods = {"1": Pods(2, 2), "2": Pods(2, 0, restarts=2, out_of_memory=2)}
    record = story.see(world(pods=pods))
    assert record.refused[0].reason == "PodsFailed"
    assert "2 for want of memory" in record.refused[0].message


def test_without_room_for_two_versions_it_says_so_and_exchanges_them_pod_by_pod() -> None:
    story = Story(policy(), served())
    seen = world(ready={"1": 2}, room=0)
    story.see(seen)
    assert "There is no room for two versions: from 2026-11-01T00:01:01Z on" in render(
        story.record, seen
    )
    assert decide(story.record, seen).pods == (("1", 2),)
    story.see(seen, seconds=60)
    assert decide(story.record, seen).pods == (("1", 1), ("2", 1))
    half = world(ready={"1": 1, "2": 1}, room=0)
    assert decide(story.see(half), half).weights == (("1", 50), ("2", 50))
    assert decide(story.record, half).pods == (("1", 0), ("2", 2))
    assert story.see(world(ready={"2": 2}, room=0)).champion == "2"


def test_room_that_appears_in_time_gives_an_ordinary_rollout() -> None:
    story = Story(policy(), served())
    story.see(world(ready={"1": 2}, room=0))
    record = story.see(world(ready={"1": 2}, room=2))
    assert record.rollout is not None
    assert not record.rollout.in_place


def test_the_evidence_is_written_every_ten_seconds_or_when_a_verdict_changes() -> None:
    story = in_canary()
    first = story.see(world(live=(10, None), readings=arms(arm(50))))
    assert story.see(world(live=(10, None), readings=arms(arm(60)))) == first
    later = story.see(world(live=(10, None), readings=arms(arm(70))), seconds=10)
    assert later != first
    assert "errors 0 % (n=70) against 0 % (n=630)" in render(later, world())


def test_the_spec_may_change_under_way() -> None:
    story = in_canary()
    story.spec = policy(canary=[20, 50])
    story.see(world(live=(10, None), readings=GOOD), seconds=61)
    assert (story.stage, story.weight) == ("Canary", 20)
    story.spec = None
    story.see(world(ready={"1": 2, "2": 1}))
    assert (story.stage, story.weight) == ("Deploying", 0)
    assert story.see(world()).champion == "2"


def test_time_alone_is_no_reason_to_write() -> None:
    story = Story(policy(), served())
    rest = world(candidate=None)
    assert story.see(rest) == story.see(rest, seconds=timedelta(days=9).total_seconds())


def test_candidates_that_change_and_change_back_begin_anew_each_time() -> None:
    story = in_canary()
    pods = {"1": 2, "2": 2, "3": 2}
    story.see(world(candidate="3", ready=pods, live=(10, None)))
    record = story.see(world(ready=pods, live=(10, None)))
    assert record.rollout is not None
    assert (record.rollout.version, story.weight, record.refused) == ("2", 0, [])
    assert story.stage in ("Deploying", "Shadow")


def test_a_champion_moved_by_hand_and_moved_back_leaves_everything_as_it_was() -> None:
    story = Story(policy(), served())
    story.see(world(candidate=None, champion="3", ready={"1": 2}))
    assert story.stage == "Deploying"
    record = story.see(world(candidate=None, champion="1", ready={"1": 2}))
    assert (record.champion, story.stage) == ("1", "Withdrawn")
    assert decide(record, world(candidate=None)).effects == ()


def test_what_a_person_chose_a_run_does_not_push_aside() -> None:
    story = Story(policy(), served())
    for candidate in ("2", "3"):
        story.see(
            world(candidate=candidate, ready={"1": 2, candidate: 2}, annotations={PROMOTE: "2"})
        )
    assert story.record.champion == "2"


def test_an_annotation_for_a_version_that_is_not_there_is_told() -> None:
    seen = world(candidate=None, annotations={PROMOTE: "77"})
    story = Story(policy(), served())
    story.see(seen)
    assert story.record.rollout is None
    assert "asks for v77, which m does not have" in render(story.record, seen)


def test_who_gives_the_alias_to_a_refused_version_is_told_how_to_try_it_again() -> None:
    last = {"version": "2", "time": "2026-11-01T00:00:00Z", "reason": "GateFailed"}
    record = RolloutRecord.model_validate(
        {"champion": "1", "championAlias": "1", "refused": [last]}
    )
    seen = world()
    story = Story(policy(), record)
    assert story.see(seen).rollout is None
    assert "v2 has the alias candidate, but was refused" in render(story.record, seen)
    assert decide(story.record, seen).effects == (DropAlias("m", "candidate", "2"),)


def test_a_deleted_candidate_takes_its_rollout_with_it_and_the_champion_stays() -> None:
    story = in_canary()
    record = story.see(world(candidate=None))
    assert decide(record, world(candidate=None)).weights == (("1", 100),)


def test_an_annotation_that_was_taken_off_can_be_given_again() -> None:
    story = Story(policy(), served("2", previous="1"))
    stay = {"candidate": None, "champion": "2"}
    story.see(world(**stay, annotations={ROLLBACK: "3"}))
    assert story.record.answered.rollback == "3"
    story.see(world(**stay))
    assert story.record.answered.rollback is None
    assert story.record.champion == "2"


def test_promoting_the_champion_stops_the_way_back() -> None:
    story = Story(policy(), served("2", previous="1"))
    leave = {"candidate": None, "champion": "2", "ready": {"2": 2}}
    story.see(world(**leave, annotations={ROLLBACK: "2"}))
    assert story.stage == "Deploying"
    story.see(world(**leave, annotations={ROLLBACK: "2", PROMOTE: "2"}))
    assert (story.stage, story.record.refused, story.record.champion) == ("Withdrawn", [], "2")


def test_a_version_is_promoted_with_the_numbers_that_it_passed_by() -> None:
    """Evidence is written every ten seconds; the last of it is what is kept."""
    story = in_shadow(canary=[], shadow={"requests": 60}, gates={"errorRate": {"atMost": 5}})
    story.see(world(live=(0, "2"), readings=arms(arm(40))))
    record = story.see(world(live=(0, "2"), readings=arms(arm(400))))
    assert record.rollout is not None
    assert record.rollout.stage == "Promoted"
    assert {one.n for one in record.rollout.evidence if one.gate != "pods"} == {400}
