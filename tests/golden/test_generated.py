"""What is committed is what the sources say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from soloist.__main__ import main
from soloist.generate import HEADER, TARGETS, generate, stale

ROOT = Path(__file__).resolve().parents[2]
AGAIN = "run `make generate` and commit what it wrote"


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_committed_is_what_is_generated(target: str) -> None:
    assert list(stale(ROOT, [target])) == [], AGAIN


def test_no_crd_is_left_of_a_kind_that_is_no_more() -> None:
    generated = {path for target in TARGETS.values() for path in target()}
    folders = (ROOT / "crds", ROOT / "charts/soloist/templates/crds")
    found = {str(path.relative_to(ROOT)) for folder in folders for path in folder.iterdir()}
    assert found - generated == set()


def test_generating_twice_writes_nothing_new(tmp_path: Path) -> None:
    first = generate(tmp_path, TARGETS)
    assert set(first) == {path for target in TARGETS.values() for path in target()}
    assert generate(tmp_path, TARGETS) == ()


def test_a_stale_file_fails_the_check_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate(tmp_path, TARGETS)
    (tmp_path / "docs/api.md").write_text("by hand")
    assert main(["generate", "--check", "--root", str(tmp_path)]) == 1
    assert "docs/api.md is not what the sources say" in capsys.readouterr().err
    assert main(["generate", "--check", "crds", "--root", str(tmp_path)]) == 0


def test_an_unknown_target_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["generate", "everything"]) == 2
    assert "there are crds, docs, rbac" in capsys.readouterr().err


def test_no_template_of_the_chart_would_be_read_as_a_helm_expression() -> None:
    for path, text in TARGETS["crds"]().items():
        if path.startswith("charts/"):
            ours = [line for line in text.splitlines() if "{{" in line and "{{-" not in line]
            assert ours == [], path
        else:
            assert text.startswith(HEADER)
            assert "{{" not in text


@pytest.mark.parametrize("path", sorted((ROOT / "crds").glob("*.yaml")), ids=lambda path: path.stem)
def test_no_field_is_a_truth_value_to_a_reader_of_yaml_1_1(path: Path) -> None:
    """`n` was: Go's readers took it for false, so the API server knew no such field and dropped it from every status."""
    assert (
        re.findall(
            r"^ *(?:- )?(?:y|n|yes|no|on|off|true|false):",
            path.read_text(),
            re.IGNORECASE | re.MULTILINE,
        )
        == []
    )
