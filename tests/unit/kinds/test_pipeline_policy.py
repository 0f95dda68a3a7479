"""Which Run starts, which go, and what counts as answered."""

from __future__ import annotations

from typing import Any

import pytest

from soloist.api.conditions import parse_time
from soloist.kinds.pipeline import policy
from soloist.kinds.pipeline.facts import RunView
from tests.support.kinds import NOW, PLATFORM, a_pipeline, a_view, pipeline_facts

TICK = "2026-11-23T03:00:00Z"
BEFORE = "2026-11-22T03:00:00Z"
DAILY = {"schedule": "0 3 * * *"}


def answer(code: str = "A", **spec: Any) -> str:
    return policy.source_trigger(a_pipeline(**spec), pipeline_facts(code=code)) or ""


A, B = answer("A"), answer("B")
SAID = {"lastRunNumber": 1, "lastTrigger": A, "lastScheduleTime": BEFORE}


def done(number: int, answers: str = A, **known: Any) -> RunView:
    return a_view(number, answers=answers, **{"trigger": answers, **known})


def going(number: int, answers: str = A, **known: Any) -> RunView:
    return a_view(number, "Running", answers=answers, **{"trigger": answers, **known})


@pytest.mark.parametrize(
    ("runs", "status", "spec", "facts", "start"),
    [
        pytest.param((), {}, {}, {}, (1, "Source", A), id="the first"),
        pytest.param((), {}, {}, {"code": None}, None, id="no code to be seen"),
        pytest.param((), {}, {"suspend": True}, {}, None, id="suspended"),
        pytest.param((done(1),), SAID, {}, {}, None, id="answered"),
        pytest.param((done(1),), {}, {}, {}, None, id="answered, but not yet in status"),
        pytest.param((done(1, B),), SAID, {}, {}, (2, "Source", A), id="a newer Run counts"),
        pytest.param((done(1),), SAID, {}, {"code": "B"}, (2, "Source", B), id="new code"),
        pytest.param((going(1),), SAID, {}, {"code": "B"}, None, id="new code waits"),
        pytest.param(
            (going(1),),
            SAID,
            {"concurrencyPolicy": "Allow"},
            {"code": "B"},
            (2, "Source", B),
            id="new code beside it",
        ),
        pytest.param(
            (a_view(1, "Running", answers=A, is_deleted=True),),
            SAID,
            {},
            {"code": "B"},
            (2, "Source", B),
            id="one that is being deleted is in nobody's way",
        ),
        pytest.param((), SAID, {}, {}, None, id="all deleted"),
        pytest.param(
            (), SAID, {}, {"code": "B"}, (2, "Source", B), id="numbers are not used again"
        ),
        pytest.param((done(1),), SAID, {}, {"request": "x"}, (2, "Request", "x"), id="asked for"),
        pytest.param((going(1),), SAID, {}, {"request": "x"}, None, id="asked for waits"),
        pytest.param((done(1), going(2, trigger="x")), SAID, {}, {"request": "x"}, None, id="made"),
        pytest.param(
            (done(1),), {**SAID, "lastRequest": "x"}, {}, {"request": "x"}, None, id="made long ago"
        ),
        pytest.param((done(1),), SAID, DAILY, {}, (2, "Schedule", TICK), id="the clock"),
        pytest.param((going(1),), SAID, DAILY, {}, None, id="the clock, forbidden"),
        pytest.param(
            (done(1), done(2, trigger=TICK)), SAID, DAILY, {}, None, id="the clock, answered"
        ),
        pytest.param(
            (done(1),),
            {**SAID, "lastScheduleTime": "2026-11-20T03:00:00Z"},
            {**DAILY, "schedule": "0 1 * * *"},
            {},
            None,
            id="the clock, too late",
        ),
        pytest.param(
            (done(1),),
            SAID,
            DAILY,
            {"request": "x", "code": "B"},
            (2, "Request", "x"),
            id="asked for comes first",
        ),
    ],
)
def test_the_next_run(
    runs: tuple[RunView, ...],
    status: dict[str, Any],
    spec: dict[str, Any],
    facts: dict[str, Any],
    start: tuple[int, str, str] | None,
) -> None:
    found = policy.next_start(a_pipeline(status, **spec), pipeline_facts(*runs, **facts))
    assert (None if found is None else (found.number, found.reason, found.id)) == start


@pytest.mark.parametrize(
    "change",
    [
        {"steps": [{"name": "train", "command": "python other.py"}]},
        {"steps": [{"name": "train", "command": "python train.py", "memory": "3Gi"}]},
        {"env": [{"name": "A", "value": "b"}]},
        {"runtime": "other"},
    ],
)
def test_what_makes_another_run(change: dict[str, Any]) -> None:
    assert answer(**change) != A


@pytest.mark.parametrize(
    "change",
    [{"schedule": "@daily"}, {"suspend": True}, {"history": {"failed": 1}}, {"metric": "mae"}],
)
def test_what_does_not(change: dict[str, Any]) -> None:
    assert answer(**change) == A


def test_another_folder_of_the_same_commit_is_other_code() -> None:
    def git(path: str) -> str:
        return answer(source={"git": {"url": "https://x/y.git", "path": path}})

    assert git("one") != git("two")


@pytest.mark.parametrize(
    ("phases", "history", "policy_", "kept"),
    [
        pytest.param("SSS", {"succeeded": 2}, "Forbid", [2, 3], id="the newest succeeded"),
        pytest.param("FSFF", {"failed": 2}, "Forbid", [2, 3, 4], id="and the newest failed"),
        pytest.param("RSSS", {"succeeded": 1}, "Forbid", [1, 4], id="and all that work"),
        pytest.param("PSSS", {"succeeded": 1}, "Replace", [4], id="unless one replaces them"),
    ],
)
def test_which_runs_stay(phases: str, history: Any, policy_: str, kept: list[int]) -> None:
    words = {"S": "Succeeded", "F": "Failed", "R": "Running", "P": "Pending"}
    views = tuple(a_view(n + 1, words[phase]) for n, phase in enumerate(phases))
    pipeline = a_pipeline(history=history, concurrencyPolicy=policy_)
    start = policy.Start(5, "Source", "x", "x") if policy_ == "Replace" else None
    found = policy.kept(pipeline, pipeline_facts(*views), start)
    assert [view.number for view in found] == kept


@pytest.mark.parametrize(
    ("phases", "policy_", "is_starting", "gone"),
    [
        pytest.param("P", "Forbid", True, [1], id="new code for one that has not begun"),
        pytest.param("PP", "Forbid", False, [1], id="the operator died before it went"),
        pytest.param("RP", "Forbid", False, [], id="one that has begun stays"),
        pytest.param("P", "Forbid", False, [], id="the newest stays"),
        pytest.param("RP", "Replace", True, [1, 2], id="all go for another"),
        pytest.param("PR", "Allow", True, [], id="all may stay"),
    ],
)
def test_whose_place_is_taken(
    phases: str, policy_: str, is_starting: bool, gone: list[int]
) -> None:
    words = {"R": "Running", "P": "Pending"}
    views = tuple(a_view(n + 1, words[phase]) for n, phase in enumerate(phases))
    start = policy.Start(9, "Source", "x", "x") if is_starting else None
    found = policy.replaced(a_pipeline(concurrencyPolicy=policy_), pipeline_facts(*views), start)
    assert found == {f"flights-{number}" for number in gone}


@pytest.mark.parametrize(("at_work", "starts"), [(1, True), (2, False)])
def test_an_unfinished_replacement_comes_before_the_next(at_work: int, starts: bool) -> None:
    """The operator made a Run and died before it ended the older one: each such death would leave one more."""
    runs = [going(number + 1) for number in range(at_work)]
    facts = pipeline_facts(*runs, request="please")
    start = policy.due_run(a_pipeline(concurrencyPolicy="Replace"), facts, PLATFORM)
    assert (start is not None) is starts


@pytest.mark.parametrize(
    ("runs", "spec", "time", "settled"),
    [
        pytest.param((), {}, None, False, id="nothing is due"),
        pytest.param((), {}, TICK, False, id="due"),
        pytest.param((done(1, trigger=TICK),), {}, TICK, True, id="made"),
        pytest.param((going(1),), {}, TICK, True, id="left out: another works"),
        pytest.param((going(1),), {"concurrencyPolicy": "Allow"}, TICK, False, id="both may"),
        pytest.param((), {"suspend": True}, TICK, True, id="left out: suspended"),
        pytest.param((), {}, "2026-11-23T01:59:00Z", True, id="left out: too late"),
    ],
)
def test_when_a_time_is_settled(
    runs: tuple[RunView, ...], spec: dict[str, Any], time: str | None, settled: bool
) -> None:
    moment = parse_time(time) if time else None
    said = policy.answered_time(a_pipeline(SAID, **spec), pipeline_facts(*runs), moment)
    assert said == (time if settled else BEFORE)


def test_without_status_the_schedule_counts_from_the_pipelines_birth() -> None:
    young = a_pipeline(None, {"creationTimestamp": "2026-11-23T02:59:30Z"}, **DAILY)
    assert policy.schedule_around(young, pipeline_facts()).last == NOW
    younger = a_pipeline(None, {"creationTimestamp": TICK}, **DAILY)
    assert policy.schedule_around(younger, pipeline_facts()).last is None
