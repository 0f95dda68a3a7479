"""Both sides of the contract spell the same variables."""

from __future__ import annotations

import pytest

from soloist.kinds import podenv
from soloist_workloads import environment
from soloist_workloads.environment import SettingsError, parse_serving, parse_step
from soloist_workloads.step.outcome import PREFIX

STEP = {"SOLOIST_STEP": "train", "SOLOIST_COMMAND": "true"}


def variables(module: object) -> set[str]:
    values = [
        value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)
    ]
    return {value for value in values if value.startswith(("SOLOIST_", "MLFLOW_"))}


def test_operator_and_workloads_name_the_same_variables() -> None:
    assert variables(environment) == variables(podenv)


def test_operator_and_workloads_mark_the_outcome_alike() -> None:
    assert podenv.OUTCOME_MARK == PREFIX


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="SOLOIST_MODEL_DIR is not set"):
        parse_serving({})


@pytest.mark.parametrize("text", ["[1]", "{", "5"])
def test_params_must_be_an_object(text: str) -> None:
    with pytest.raises(SettingsError, match="SOLOIST_PARAMS"):
        parse_step({**STEP, "SOLOIST_PARAMS": text})


def test_a_number_that_is_none_is_named() -> None:
    with pytest.raises(SettingsError, match="SOLOIST_ATTEMPT must be a whole number, got 'two'"):
        parse_step({**STEP, "SOLOIST_ATTEMPT": "two"})


def test_without_mlflow_there_is_no_tracking() -> None:
    assert parse_step(STEP).tracking is None
