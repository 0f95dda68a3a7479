"""When two answers say the same."""

from __future__ import annotations

import pytest

from soloist_workloads.serving.agreement import Agreement, compare


def predictions(text: str) -> bytes:
    return f'{{"predictions": {text}}}'.encode()


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ("[100.9]", "[100.0]", True),
        ("[101.1]", "[100.0]", False),
        ("[0.0000005]", "[0.0]", True),
        ("[0.00001]", "[0.0]", False),
        ("[1.0, 2.0, 30.0]", "[1.0, 2.0, 3.0]", False),
        ("[1]", "[1]", True),
        ("[1000]", "[1001]", False),
        ("[1]", "[1.0]", True),
        ("[true]", "[1]", False),
        ('["late"]', '["late"]', True),
        ('["late"]', '["early"]', False),
        ("[null]", "[null]", True),
        ("[null]", "[0.0]", False),
        ("[NaN]", "[NaN]", True),
        ("[NaN]", "[1.0]", False),
        ("[Infinity]", "[Infinity]", True),
        ("[1.0]", "[Infinity]", False),
        ("[1.0]", "[1.0, 1.0]", False),
        ("[[1.0]]", "[1.0]", False),
        ('[{"delay": 1.0}]', '[{"delay": 1.001}]', True),
        ('[{"delay": 1.0}]', '[{"wait": 1.0}]', False),
        ("7.0", "7.0", True),
    ],
)
def test_two_answers_agree(mine: str, theirs: str, expected: bool) -> None:
    found = compare(predictions(mine), predictions(theirs))
    assert found is not None
    assert found.agrees is expected


def test_the_distance_is_the_mean_of_what_is_finite() -> None:
    mine, theirs = predictions('[1.0, 4.0, "x", NaN]'), predictions('[2.0, 1.0, "y", 5.0]')
    assert compare(mine, theirs) == Agreement(agrees=False, distance=2.0)


def test_who_answers_and_how_it_is_stored_is_no_part_of_the_answer() -> None:
    def tensor(version: int, datatype: str, value: float) -> bytes:
        said = f'"name": "o", "shape": [1], "datatype": "{datatype}", "data": [{value}]'
        return (
            f'{{"model_name": "m", "model_version": "{version}", "outputs": [{{{said}}}]}}'.encode()
        )

    assert compare(tensor(1, "FP64", 1.0), tensor(2, "FP32", 1.0)) == Agreement(True, 0.0)
    assert compare(tensor(1, "FP64", 3.0), tensor(2, "FP64", 1.0)) == Agreement(False, 2.0)


@pytest.mark.parametrize("text", [b"", b"<html>", b"[" * 100_000])
def test_what_is_no_json_is_not_compared(text: bytes) -> None:
    assert compare(text, predictions("[1.0]")) is None
    assert compare(predictions("[1.0]"), text) is None
