"""What lies where: the layout that the design promises, held by more than memory."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("project", "pipeline", "run", "modelendpoint")
# Every kind decides by the same phases; a kind that needs more room adds files beside these five.
PHASES = ("names.py", "facts.py", "desired.py", "policy.py", "status.py")
LONGEST = 250
EMPTY_NAMES = {"utils", "helpers", "common", "misc", "constants", "util", "helper"}


def tracked(*patterns: str) -> list[Path]:
    """Files that are part of the repository, not what tools leave beside them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / line for line in listed.stdout.splitlines())
    return [path for path in paths if path.exists()]


def code() -> list[Path]:
    return tracked(
        "operator/*.py", "workloads/soloist_workloads/*.py", "demo/*.py", "tests/cluster/*.py"
    )


def test_operator_is_a_source_root_and_no_package() -> None:
    """A package of this name would take the place of Python's own `operator`."""
    assert not (ROOT / "operator" / "__init__.py").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_the_same_five_files(kind: str) -> None:
    folder = ROOT / "operator" / "soloist" / "kinds" / kind
    assert [name for name in PHASES if not (folder / name).exists()] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_page_a_definition_and_a_golden_case(kind: str) -> None:
    assert (ROOT / "docs" / "spec" / f"{kind}.md").exists()
    assert list((ROOT / "crds").glob(f"*{kind}*.yaml"))
    assert list((ROOT / "tests" / "golden").glob(f"**/{kind}*"))


def test_no_file_is_longer_than_one_can_hold_in_mind() -> None:
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in code()
        if (lines := len(path.read_text().splitlines())) > LONGEST
    }
    assert too_long == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [path for path in code() if path.stem in EMPTY_NAMES] == []


def test_the_lock_files_are_pinned_by_hash_and_carry_no_address() -> None:
    locks = tracked("requirements/*.txt")
    assert locks
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text, lock
        pinned = [
            line for line in text.splitlines() if "==" in line and not line.lstrip().startswith("#")
        ]
        assert pinned, lock
        assert all(line.endswith("\\") for line in pinned), lock


def test_every_example_can_be_applied_as_a_folder() -> None:
    examples = [path.parent for path in tracked("workloads/examples/*/project.yaml")]
    assert examples
    assert [folder for folder in examples if not (folder / "kustomization.yaml").exists()] == []
