"""What a RayJob says of its attempt, in KubeRay's and Ray's own words."""

from __future__ import annotations

from typing import Any

import pytest

from soloist.kinds.run.jobs import parse_job, parse_outcome

END = "2026-11-23T02:59:00Z"


def job(labels: Any = None, **status: Any) -> dict[str, Any]:
    given = {"soloist.dev/step": "train", "soloist.dev/attempt": "2"} if labels is None else labels
    return {"metadata": {"name": "j", "labels": given}, "status": status}


def ray(code: int, *lines: str) -> str:
    first = f"Job entrypoint command failed with exit code {code}, last available logs (truncated"
    return "\n".join((f"{first} to 20,000 chars):", *lines))


def said(reason: str, code: int, peak: int | None = None) -> str:
    told = f'"exitCode": {code}, "memoryLimit": 1, "memoryPeak": {peak or "null"}'
    return f'soloist-outcome: {{"reason": "{reason}", {told}}}'


# As Ray 2.60 says it of the supervisor of a job whose command took the memory.
RAY_KILLED = """\
Unexpected error occurred: 1 worker(s) were killed due to the node running low on memory. Memory on the node \
(IP: 10.244.0.12, ID: 966754b9) was 1.44GB used / 1.50GB limit (0.962865)
OOM kill reason: Memory usage 1540358144B exceeded threshold of 1530082048B (95.0% of 1610612736B limit)
Ray killed 1 worker(s) based on the killing policy
"""


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"jobDeploymentStatus": "Initializing"},
        {"jobDeploymentStatus": "Running", "jobStatus": "PENDING"},
        {"jobDeploymentStatus": "Running", "jobStatus": "RUNNING"},
        # Ray has ended it, KubeRay has not settled it yet: a moment later both agree.
        {"jobDeploymentStatus": "Running", "jobStatus": "SUCCEEDED"},
        {"jobDeploymentStatus": "Waiting"},
        {"jobDeploymentStatus": "Retrying"},
    ],
)
def test_an_attempt_runs_until_kuberay_says_that_it_has_ended(status: dict[str, Any]) -> None:
    found = parse_job(job(**status))
    assert found is not None
    assert (found.step, found.attempt, found.state) == ("train", 2, "Running")


def test_success() -> None:
    found = parse_job(job(jobDeploymentStatus="Complete", jobStatus="SUCCEEDED", endTime=END))
    assert found is not None
    assert (found.state, found.end_time, found.reason) == ("Succeeded", END, "")


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        pytest.param(
            {"message": ray(1, "x", said("NonZeroExit", 1))},
            "NonZeroExit",
            1,
            id="the runner's word",
        ),
        pytest.param(
            {"message": ray(137, said("OutOfMemory", 137, 5))}, "OutOfMemory", 137, id="memory"
        ),
        pytest.param({"message": ray(127, said("CommandNotFound", 127))}, "CommandNotFound", 127),
        pytest.param({"message": ray(1, said("SourceMissing", 1))}, "SourceMissing", 1),
        pytest.param(
            {"message": ray(1, said("OutOfMemory", 137), "later", said("NonZeroExit", 3))},
            "NonZeroExit",
            3,
            id="its last word",
        ),
        pytest.param({"message": ray(1, "no module")}, "NonZeroExit", 1, id="it could not start"),
        pytest.param({"message": ray(137, "x")}, "Disrupted", 137, id="killed in silence"),
        pytest.param({"message": ray(-9)}, "Disrupted", -9, id="killed by a signal"),
        pytest.param({"message": "Job supervisor actor died: x"}, "Disrupted", None, id="lost"),
        pytest.param({"message": RAY_KILLED}, "OutOfMemory", None, id="Ray's watch"),
        pytest.param(
            {"message": "Job supervisor actor died: x\n" + RAY_KILLED},
            "OutOfMemory",
            None,
            id="Ray's watch, seen by the supervisor's owner",
        ),
        pytest.param(
            {"message": ray(1, RAY_KILLED, said("NonZeroExit", 1))},
            "NonZeroExit",
            1,
            id="a step that prints Ray's words",
        ),
        pytest.param({"message": ""}, "Disrupted", None, id="nothing said"),
        pytest.param({}, "Disrupted", None, id="no message at all"),
        pytest.param(
            {"reason": "DeadlineExceeded", "message": "The RayJob has passed it"},
            "DeadlineExceeded",
            None,
            id="too long",
        ),
        pytest.param({"reason": "SubmissionFailed"}, "SubmissionFailed", None),
        pytest.param(
            {"jobDeploymentStatus": "ValidationFailed", "reason": "ValidationFailed"},
            "SubmissionFailed",
            None,
            id="refused",
        ),
        pytest.param(
            {"jobDeploymentStatus": "Complete", "jobStatus": "STOPPED", "message": "stopped."},
            "Disrupted",
            None,
            id="stopped by hand",
        ),
    ],
)
def test_failure(status: dict[str, Any], reason: str, code: int | None) -> None:
    given = {
        "jobDeploymentStatus": "Failed",
        "jobStatus": "FAILED",
        "reason": "AppFailed",
        **status,
    }
    found = parse_job(job(**given))
    assert found is not None
    assert (found.state, found.reason, found.exit_code) == ("Failed", reason, code)
    assert "last available logs" not in found.message


def test_where_ray_ended_the_job_for_its_memory_its_words_have_the_peak_and_no_lines_of_the_step() -> (
    None
):
    found = parse_job(job(jobDeploymentStatus="Failed", jobStatus="FAILED", message=RAY_KILLED))
    assert found is not None
    assert found.memory_peak == int(1.44 * 2**30)
    assert found.lines == ()


@pytest.mark.parametrize(
    "labels", [{}, {"soloist.dev/step": "train"}, {"soloist.dev/attempt": "1"}]
)
def test_a_job_whose_labels_were_taken_off_is_nobodys_attempt(labels: dict[str, str]) -> None:
    assert parse_job(job(labels)) is None


@pytest.mark.parametrize(
    "line",
    [
        "soloist-outcome: ",
        "soloist-outcome: {",
        "soloist-outcome: 7",
        'soloist-outcome: {"reason": ["x"], "exitCode": "y", "memoryPeak": true}',
    ],
)
def test_a_line_that_only_looks_like_the_runners_does_no_harm(line: str) -> None:
    message = ray(1, "x", line)
    found = parse_job(job(jobDeploymentStatus="Failed", jobStatus="FAILED", message=message))
    assert found is not None
    assert (found.reason, found.exit_code, found.memory_peak) == ("NonZeroExit", 1, None)


def test_the_lines_before_the_outcome_are_the_steps_own() -> None:
    outcome, lines = parse_outcome(ray(1, "", *(str(n) for n in range(30)), said("NonZeroExit", 1)))
    assert outcome["reason"] == "NonZeroExit"
    assert lines == tuple(str(n) for n in range(10, 30))
