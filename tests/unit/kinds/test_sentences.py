"""What people read: cause and next action, no longer than status holds, and the same until something changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from soloist.api.conditions import Reason
from soloist.api.v1alpha1.run import StepStatus
from soloist.core.effects import LoggedModel, RegisteredModel, RegisteredVersion, TrackedRun
from soloist.core.outcome import Done
from soloist.kinds.conditions import LONGEST, Verdict, conditions
from soloist.kinds.run import status
from soloist.kinds.run.status import failure_sentence
from tests.support.kinds import NOW, PLATFORM, a_run, run_facts

READ = "kubectl get run flights-1 -o yaml"


def sentence(reason: str, log: str = "", **failure: Any) -> str:
    told = {"number": 2, "reason": reason, **failure}
    failed = StepStatus.model_validate({"name": "train", "failures": [told], "log": log})
    run = a_run()
    return failure_sentence(run, run.spec.steps[0], failed)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"reason": "OutOfMemory", "memory_peak": 1610612736},
            (
                "Step train of run flights-1 ran out of memory (limit 2Gi, peak 1.5Gi, attempt 2 of 2). Raise "
                f"spec.pipeline.steps[train].memory or read its last lines: {READ}."
            ),
        ),
        (
            {"reason": "OutOfMemory"},
            (
                "Step train of run flights-1 ran out of memory (limit 2Gi, peak 2Gi, attempt 2 of 2). Raise "
                f"spec.pipeline.steps[train].memory or read its last lines: {READ}."
            ),
        ),
        (
            {"reason": "DeadlineExceeded"},
            (
                "Step train of run flights-1 took longer than its timeout of 12h (attempt 2 of 2). Raise "
                f"spec.pipeline.steps[train].timeout or read its last lines: {READ}."
            ),
        ),
        (
            {"reason": "CommandNotFound"},
            (
                "Step train of run flights-1 names a command that the image does not have: 'python train.py' "
                f"(attempt 2 of 2). Correct spec.pipeline.steps[train].command. Its last lines: {READ}."
            ),
        ),
        (
            {"reason": "Disrupted"},
            (
                "Step train of run flights-1 was interrupted 1 times by the loss of its pod. See why the pod goes "
                f"(kubectl get events), or read its last lines: {READ}."
            ),
        ),
        (
            {"reason": "NonZeroExit", "exit_code": 1, "log": "a\nKeyError: 'x'"},
            (
                "Step train of run flights-1 ended with exit code 1 (attempt 2 of 2): KeyError: 'x'. Correct the code "
                f"and apply again; its last lines: {READ}."
            ),
        ),
        (
            {"reason": "SubmissionFailed", "message": "bad spec."},
            f"Step train of run flights-1 was refused by Ray (attempt 2 of 2): bad spec. More: {READ}.",
        ),
    ],
)
def test_why_a_step_failed(given: dict[str, Any], said: str) -> None:
    assert sentence(**given) == said


@pytest.mark.parametrize("reason", ["NonZeroExit", "CommandNotFound", "SourceMissing"])
def test_no_sentence_is_longer_than_status_holds(reason: str) -> None:
    failed = {"number": 1, "reason": reason, "exitCode": 1}
    step = {"name": "train", "phase": "Failed", "failures": [failed], "log": "x" * 2000}
    run = a_run([{"name": "train", "command": "y" * 4096}], {"mlflowRunId": "r", "steps": [step]})
    said = status.summarize(run, run_facts(), PLATFORM, (Done(),)).status
    assert len(said.summary) <= LONGEST
    assert all(len(one.message) <= LONGEST for one in said.conditions)


@pytest.mark.parametrize(
    ("verdict", "truths"),
    [
        (Verdict.ready("A", "a"), {"Ready": "True", "Progressing": "False", "Stalled": "False"}),
        (
            Verdict.progressing("A", "a"),
            {"Ready": "False", "Progressing": "True", "Stalled": "False"},
        ),
        (Verdict.waiting("A", "a"), {"Ready": "False", "Progressing": "True", "Stalled": "False"}),
        (Verdict.stalled("A", "a"), {"Ready": "False", "Progressing": "False", "Stalled": "True"}),
    ],
)
def test_one_verdict_is_three_conditions(verdict: Verdict, truths: dict[str, str]) -> None:
    found = conditions(a_run(), verdict, NOW)
    assert {one.type: one.status for one in found} == truths
    assert {one.reason for one in found} == {"A"}
    assert [one.message for one in found if one.type == "Ready"] == ["a"]


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    first = conditions(a_run(), Verdict.progressing("A", "a"), NOW)
    said = {"conditions": [one.manifest() for one in first]}
    later = conditions(a_run(None, said), Verdict.stalled("B", "b"), NOW + timedelta(hours=1))
    times = {one.type: one.last_transition_time for one in later}
    assert times["Ready"] == "2026-11-23T03:00:00Z"
    assert times["Stalled"] == "2026-11-23T04:00:00Z"


def model(*versions: tuple[str, str], **aliases: str) -> RegisteredModel:
    return RegisteredModel("m", aliases, tuple(RegisteredVersion(v, r, "a") for v, r in versions))


@pytest.mark.parametrize(
    ("name", "version", "known", "phase"),
    [
        pytest.param("", "", None, "Running", id="not registered"),
        pytest.param("m", "3", model(), "Running", id="a version without its alias"),
        pytest.param("m", "3", model(("3", "r"), candidate="3"), "Succeeded", id="a candidate"),
        pytest.param("m", "3", model(("3", "r"), champion="3"), "Succeeded", id="champion already"),
        pytest.param("m", "3", model(("4", "s"), candidate="4"), "Succeeded", id="overtaken"),
        pytest.param("m", "3", model(("2", "s"), champion="2"), "Running", id="an older champion"),
        pytest.param("mine", "9", model(), "Running", id="registered by the code"),
        pytest.param("mine", "9", model(("3", "r"), candidate="3"), "Succeeded", id="and by us"),
    ],
)
def test_a_run_has_succeeded_when_its_version_can_be_served(
    name: str, version: str, known: RegisteredModel | None, phase: str
) -> None:
    tracked = TrackedRun("r", "1", "FINISHED", {}, (LoggedModel("m-1", "x", 1),), name, version)
    steps = [{"name": "train", "phase": "Succeeded", "attempt": 1}]
    run = a_run(None, {"phase": "Running", "mlflowRunId": "r", "steps": steps}, model="m")
    facts = run_facts(tracked=tracked, model=known, cluster=None, cluster_ready=False)
    assert status.summarize(run, facts, PLATFORM, (Done(),)).status.phase == phase


def test_every_reason_is_a_word() -> None:
    assert all(reason.isalpha() and reason[0].isupper() for reason in Reason)
