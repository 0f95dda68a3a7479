"""The operator and the pods spell the environment alike, though neither may import the other."""

from __future__ import annotations

import io
from pathlib import Path

from soloist.api.v1alpha1.modelendpoint import Optimized
from soloist.kinds import podenv
from soloist.kinds.run.jobs import SAID_BY_RUNNER
from soloist_workloads import environment
from soloist_workloads.optimize import verdict
from soloist_workloads.step import outcome
from soloist_workloads.step.log import LogFile, Tee


def names(module: object) -> set[str]:
    """The variables that a module spells."""
    values = (value for key, value in vars(module).items() if key.isupper())
    return {v for v in values if isinstance(v, str) and v.startswith(("SOLOIST_", "MLFLOW_"))}


def test_both_sides_spell_the_same_variables() -> None:
    assert names(podenv) == names(environment)


def test_both_sides_mark_the_outcome_alike() -> None:
    assert podenv.OUTCOME_MARK == outcome.PREFIX


def test_both_sides_mark_what_became_of_optimize_alike() -> None:
    assert podenv.OPTIMIZED_MARK == verdict.MARK


def test_the_operator_reads_what_the_pod_says() -> None:
    told = verdict.not_taken("No rows.", rows=7).told().removeprefix(podenv.OPTIMIZED_MARK)
    said = Optimized.model_validate_json(told)
    assert said == Optimized(form="onnx", taken=False, rows=7, message="No rows.")


def test_the_longest_reason_fits_status() -> None:
    told = verdict.not_taken("x" * 5000).told().removeprefix(podenv.OPTIMIZED_MARK)
    assert len(Optimized.model_validate_json(told).message) == verdict.LONGEST_REASON


def test_the_operator_knows_every_reason_of_the_runner() -> None:
    assert {reason.value for reason in outcome.Reason} - {"Completed"} == SAID_BY_RUNNER


def test_the_code_is_where_the_fetcher_puts_it_by_default() -> None:
    given = {"SOLOIST_GIT_URL": "u", "SOLOIST_GIT_COMMIT": "c"}
    assert str(environment.parse_source(given).code_dir) == podenv.CODE_PATH


def test_the_prefix_of_a_step_is_the_one_that_the_runner_writes(tmp_path: Path) -> None:
    stdout, pod_log = io.BytesIO(), io.BytesIO()
    tee = Tee("train", stdout=stdout, pod_log=pod_log, file=LogFile(tmp_path / "log"))
    tee.say("hello")
    assert pod_log.getvalue().decode() == f"{podenv.STEP_PREFIX.format(step='train')}hello\n"
