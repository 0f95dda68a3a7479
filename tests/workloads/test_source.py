"""Exactly one commit of a git repository in the code folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from soloist_workloads.environment import SourceSettings
from soloist_workloads.source import SourceError, explain_failure, fetch_commit

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=repository,
        env={**os.environ, **IDENTITY},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, list[str]]:
    """Three commits; the last is on another branch."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commits = []
    for branch, content in (("main", "one"), ("main", "two"), ("other", "three")):
        git(folder, "checkout", "--quiet", "-B", branch)
        (folder / "train.py").write_text(content)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", content)
        commits.append(git(folder, "rev-parse", "HEAD"))
    return folder, commits


def settings(url: Path | str, commit: str, target: Path) -> SourceSettings:
    return SourceSettings(
        url=f"file://{url}", commit=commit, code_dir=target, has_credentials=False
    )


@pytest.mark.parametrize("position", [0, 1, 2])
def test_the_commit_and_nothing_else(
    position: int, repository: tuple[Path, list[str]], tmp_path: Path
) -> None:
    folder, commits = repository
    target = tmp_path / "code"
    target.mkdir()
    (target / "left-over").mkdir()
    fetch_commit(settings(folder, commits[position], target), os.environ)
    assert [path.name for path in target.iterdir()] == ["train.py"]
    assert (target / "train.py").read_text() == ["one", "two", "three"][position]


def test_the_mount_point_keeps_its_own_mode(
    repository: tuple[Path, list[str]], tmp_path: Path
) -> None:
    """In a pod the folder belongs to root: an attempt to change it ends in "Operation not permitted"."""
    target = tmp_path / "code"
    target.mkdir()
    target.chmod(0o2777)
    fetch_commit(settings(repository[0], repository[1][0], target), os.environ)
    assert target.stat().st_mode & 0o7777 == 0o2777


def test_a_commit_that_is_gone_is_told(repository: tuple[Path, list[str]], tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"Commit 1234.* is not in file://"):
        fetch_commit(settings(repository[0], "1234" * 10, tmp_path / "code"), os.environ)


def test_a_repository_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="can't be fetched"):
        fetch_commit(settings(tmp_path / "none", "1234" * 10, tmp_path / "code"), os.environ)


def test_passwords_in_addresses_are_never_shown() -> None:
    asked = SourceSettings("https://ada:secret@git.example.com/x", "1", Path("/x"), True)
    said = explain_failure(
        asked, "fatal: unable to access 'https://ada:secret@git.example.com/x/': 403"
    )
    assert "secret@" not in said
    assert "https://git.example.com/x" in said
    assert "spec.source.git.secretName" in said
