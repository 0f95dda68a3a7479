"""How a Run's steps go on: order, room, retries."""

from __future__ import annotations

from typing import Any

import pytest

from soloist.api.v1alpha1.run import StepStatus
from soloist.kinds.run import policy
from soloist.kinds.run.jobs import Job
from tests.support.kinds import a_run, run_facts

OPEN = {"mlflowRunId": "run-1", "phase": "Running"}
START = "2026-11-23T02:50:00Z"


def steps(*told: dict[str, Any]) -> list[Any]:
    named = [{"name": "abcdefgh"[n], "command": "x", **one} for n, one in enumerate(told)]
    return list(a_run(named).spec.steps)


@pytest.mark.parametrize(
    ("told", "before"),
    [
        pytest.param([{}], [()], id="the first waits for none"),
        pytest.param([{}, {}, {}], [(), ("a",), ("b",)], id="each follows the one above"),
        pytest.param([{}, {"after": []}], [(), ()], id="an empty after starts at once"),
        pytest.param([{}, {}, {"after": ["a"]}], [(), ("a",), ("a",)], id="after names them"),
        pytest.param([{"after": []}, {}], [(), ("a",)], id="the one below still follows"),
    ],
)
def test_predecessors(told: list[dict[str, Any]], before: list[tuple[str, ...]]) -> None:
    given = steps(*told)
    assert [policy.predecessors(given, index) for index in range(len(given))] == before


@pytest.mark.parametrize(
    ("told", "levels", "size"),
    [
        pytest.param([{}], ["a"], (1.0, 2 * 2**30), id="one step"),
        pytest.param([{"cpu": 2}, {"cpu": 1, "memory": "4Gi"}], ["a", "b"], (2.0, 2**32), id="row"),
        pytest.param(
            [{}, {"after": []}, {"after": ["a", "b"]}], ["ab", "c"], (2.0, 2**32), id="fork, join"
        ),
        pytest.param(
            [{}, {}, {"after": []}, {"after": ["b", "c"]}],
            ["ac", "b", "d"],
            (2.0, 2**32),
            id="the longest way counts",
        ),
    ],
)
def test_levels_and_the_size_of_the_head(
    told: list[dict[str, Any]], levels: list[str], size: tuple[float, float]
) -> None:
    given = steps(*told)
    found = ["".join(step.name for step in level) for level in policy.levels(given)]
    assert (found, policy.head_size(given)) == (levels, size)


@pytest.mark.parametrize(
    "cpus", [(0.1, 0.7), (0.7, 0.1, 0.1), ("333m", "333m", "333m"), (0.1,) * 7]
)
def test_steps_of_one_level_start_together_whatever_their_fractions(cpus: tuple[Any, ...]) -> None:
    told = [
        {"name": f"s{n}", "command": "x", "cpu": cpu, "after": []} for n, cpu in enumerate(cpus)
    ]
    after = policy.advance(a_run(told, OPEN), run_facts())
    assert {step.phase for step in after} == {"Running"}


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        pytest.param({"cluster_ready": False}, OPEN, id="without a head"),
        pytest.param({}, {"phase": "Pending"}, id="without an MLflow run"),
    ],
)
def test_no_step_starts(facts: dict[str, Any], status: dict[str, Any]) -> None:
    after = policy.advance(a_run(None, status), run_facts(**facts))
    assert [(step.phase, step.attempt) for step in after] == [("Waiting", 0)]


def failures(*reasons: str) -> list[dict[str, Any]]:
    return [{"number": n + 1, "reason": reason} for n, reason in enumerate(reasons)]


@pytest.mark.parametrize(
    ("retries", "before", "reason", "after"),
    [
        pytest.param(0, (), "NonZeroExit", "Failed", id="no retry"),
        pytest.param(1, (), "NonZeroExit", "Running", id="one retry"),
        pytest.param(1, ("NonZeroExit",), "OutOfMemory", "Failed", id="every reason costs one"),
        pytest.param(0, (), "Disrupted", "Running", id="a disruption costs none"),
        pytest.param(0, ("Disrupted",) * 3, "Disrupted", "Failed", id="the fourth is the last"),
        pytest.param(
            1, ("Disrupted",) * 3, "NonZeroExit", "Running", id="disruptions are counted apart"
        ),
        pytest.param(1, ("NonZeroExit", "Disrupted"), "NonZeroExit", "Failed", id="mixed"),
    ],
)
def test_retries(retries: int, before: tuple[str, ...], reason: str, after: str) -> None:
    number = len(before) + 1
    told = {"name": "train", "phase": "Running", "attempt": number, "startTime": START}
    status = {**OPEN, "steps": [{**told, "failures": failures(*before)}]}
    given = a_run([{"name": "train", "command": "x", "retries": retries}], status)
    job = Job("train", number, "Failed", reason=reason, end_time=START)
    (step,) = policy.advance(given, run_facts(jobs={("train", number): job}))
    assert step.phase == after
    assert step.attempt == (number if after == "Failed" else number + 1)
    assert [failure.reason for failure in step.failures] == [*before, reason]


def pod(finished: str, reason: str = "OOMKilled") -> dict[str, Any]:
    ended = {"reason": reason, "finishedAt": finished, "exitCode": 137}
    told = {"name": "ray-head", "state": {}, "lastState": {"terminated": ended}}
    return {"metadata": {"name": "p"}, "status": {"containerStatuses": [told]}}


@pytest.mark.parametrize(
    ("job", "finished", "reason"),
    [
        pytest.param(None, "2026-11-23T02:55:00Z", "OutOfMemory", id="before its job was made"),
        pytest.param("Running", "2026-11-23T02:55:00Z", "OutOfMemory", id="Ray knows nothing yet"),
        pytest.param("Disrupted", "2026-11-23T02:55:00Z", "OutOfMemory", id="Ray knows no reason"),
        pytest.param(
            "NonZeroExit", "2026-11-23T02:55:00Z", "NonZeroExit", id="its own word counts"
        ),
        pytest.param("Succeeded", "2026-11-23T02:55:00Z", None, id="its success counts"),
        pytest.param("Running", "2026-11-23T02:45:00Z", None, id="a kill before the attempt"),
    ],
)
def test_the_kill_of_the_whole_pod(job: str | None, finished: str, reason: str | None) -> None:
    told = {"name": "train", "phase": "Running", "attempt": 1, "startTime": START}
    made = {
        None: {},
        "Running": Job("train", 1, "Running"),
        "Succeeded": Job("train", 1, "Succeeded", end_time=START),
    }.get(job, Job("train", 1, "Failed", reason=job or "", end_time=START))
    jobs = {("train", 1): made} if job else {}
    facts = run_facts(jobs=jobs, pods=(pod(finished),))
    (step,) = policy.advance(a_run(None, {**OPEN, "steps": [told]}), facts)
    assert [failure.reason for failure in step.failures] == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        pytest.param((), "", id="nothing"),
        pytest.param(("a", "b"), "a\nb", id="all of it"),
        pytest.param(("x" * 500,), "x" * 400, id="a long line is cut"),
        pytest.param(tuple("y" * 399 for _ in range(9)), "\n".join(["y" * 399] * 5), id="the last"),
    ],
)
def test_the_tail_fits_into_status(lines: tuple[str, ...], kept: str) -> None:
    assert policy.tail(lines) == kept
    assert len(policy.tail(lines)) <= policy.LOG_LIMIT


@pytest.mark.parametrize(
    ("phases", "over", "succeeded"),
    [
        ((), False, False),
        (("Succeeded", "Waiting"), False, False),
        (("Succeeded", "Succeeded"), True, True),
        (("Failed", "Skipped"), True, False),
        (("Running", "Failed"), True, False),
    ],
)
def test_the_end(phases: tuple[Any, ...], over: bool, succeeded: bool) -> None:
    given = tuple(StepStatus(name=str(n), phase=phase) for n, phase in enumerate(phases))
    assert (policy.is_over(given), policy.has_succeeded(given)) == (over, succeeded)


def test_the_tail_has_no_colours() -> None:
    assert policy.tail(("\x1b[1;33mmind the gap\x1b[0m",)) == "mind the gap"
