"""Every place of an ONNX file that can name another file is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from soloist_workloads.serving.onnx_files import read_external_locations
from soloist_workloads.serving.problem import ModelProblem
from tests.workloads.onnx_bytes import (
    field,
    model_with_weights_deep_in,
    model_with_weights_in,
)


@pytest.mark.parametrize("make", [model_with_weights_in, model_with_weights_deep_in])
def test_a_location_is_found_wherever_a_tensor_may_be(make: object, tmp_path: Path) -> None:
    assert callable(make)
    (tmp_path / "m.onnx").write_bytes(make("../up"))
    assert read_external_locations(tmp_path / "m.onnx") == ["../up"]


def test_a_model_that_holds_its_weights_names_no_file(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(bytes([8, 8]) + field(7, field(5, field(9, b"\0\0"))))
    assert read_external_locations(tmp_path / "m.onnx") == []


@pytest.mark.parametrize("broken", [b"\x3a\xff", b"\x3f", b"\xff" * 20, b"\x3a\x05\x2a\x7f"])
def test_a_damaged_file_is_told(broken: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(broken)
    with pytest.raises(ModelProblem, match="not a readable ONNX file"):
        read_external_locations(tmp_path / "m.onnx")
