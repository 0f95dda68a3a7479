"""When a shadow is fed with kept requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from soloist.api.conditions import rfc3339
from soloist.api.v1alpha1.rollout_status import Evidence, RolloutStatus
from soloist.rollout.replay import PATIENCE, is_needed
from soloist.rollout.sentences import render
from tests.support.rollouts import NOW, Story, arm, arms, policy, served, world

THIN = policy(replay={})


def shadow(*verdicts: Any, stage: Any = "Shadow", live: bool = True) -> RolloutStatus:
    evidence = [Evidence(gate=f"gate-{n}", verdict=one) for n, one in enumerate(verdicts)]
    since = rfc3339(NOW)
    return RolloutStatus(
        version="2", stage=stage, since=since, live_since=since if live else None, evidence=evidence
    )


@pytest.mark.parametrize(
    ("seen", "seconds", "needed"),
    [
        (0, 29, False),
        (0, 30, True),
        (74, 30, True),
        (75, 30, False),
        (299, 120, True),
        (300, 120, False),
        (600, 3600, True),
    ],
    ids=[
        "it has just begun", "nobody asks", "slower than 300 in two minutes", "fast enough",
        "two minutes, and not there", "there, as fast as wanted", "there, but its gates lack more",
    ],
)  # fmt: skip
def test_kept_requests_come_where_the_shadow_would_take_longer_than_two_minutes(
    seen: int, seconds: int, needed: bool
) -> None:
    now = NOW + timedelta(seconds=seconds)
    seen_world = world(readings=arms(arm(seen)))
    assert is_needed(THIN, shadow("NotEnoughData"), seen_world, now) is needed


def test_they_come_until_every_gate_has_its_verdict_and_no_longer() -> None:
    now, seen = NOW + timedelta(hours=1), world(readings=arms(arm(400)))
    assert is_needed(THIN, shadow("Pass", "NotEnoughData"), seen, now)
    assert not is_needed(THIN, shadow("Pass", "Pass"), seen, now)


def test_a_short_shadow_whose_gates_lack_more_gets_it_as_soon_as_a_long_one() -> None:
    short = policy(replay={}, shadow={"requests": 60})
    now, seen = NOW + timedelta(minutes=1), world(readings=arms(arm(140)))
    assert is_needed(short, shadow("NotEnoughData"), seen, now)
    assert not is_needed(short, shadow("Pass"), seen, now)


@pytest.mark.parametrize(
    ("spec", "rollout"),
    [
        (policy(), shadow("NotEnoughData")),
        (None, shadow("NotEnoughData")),
        (THIN, shadow("NotEnoughData", stage="Canary")),
        (THIN, shadow("NotEnoughData", live=False)),
    ],
    ids=["not asked for", "no rollout", "a canary is for clients", "no gateway copies yet"],
)
def test_else_they_stay_where_they_are(spec: Any, rollout: RolloutStatus) -> None:
    assert not is_needed(spec, rollout, world(), NOW + PATIENCE)


def test_the_shadow_says_how_many_were_asked_again() -> None:
    story = Story(THIN, served())
    story.see(world())
    story.see(world(live=(0, "2")))
    fed = world(live=(0, "2"), readings=arms(arm(150), arm(150, replayed=1_240)))
    record = story.see(fed)
    assert "Traffic is thin: 1,240 kept requests were asked again." in render(record, fed)
    busy = world(live=(0, "2"), readings=arms(arm(150)))
    assert "kept" not in render(record, busy)


@pytest.mark.parametrize(
    ("replayed", "told"),
    [
        (0, "Traffic is thin, and no request was kept: it waits for clients' requests. To promote it as it is: "),
        (40, "Traffic is thin: 40 kept requests were asked again, and none is left: it waits for clients'"),
    ],
)  # fmt: skip
def test_a_shadow_that_has_used_up_what_was_kept_says_what_to_do(replayed: int, told: str) -> None:
    record = served().model_copy(update={"rollout": shadow("Pass", "NotEnoughData")})

    def said(left: int | None) -> str:
        champion = arm(40, replayed=replayed)
        seen = world(live=(0, "2"), readings=arms(arm(40), champion), kept_left=left)
        return render(record, seen)

    assert told in said(0)
    assert "soloist.dev/promote=2." in said(0)
    for unknown_or_more in (None, 7):
        assert "promote" not in said(unknown_or_more)
