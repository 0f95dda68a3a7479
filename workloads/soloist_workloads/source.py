"""`python -m soloist_workloads.source`: fills the code folder with exactly one commit of a git repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from soloist_workloads.environment import SettingsError, SourceSettings, parse_source
from soloist_workloads.last_words import leave_last_words

# Git asks this helper instead of a person. The variables are expanded by the helper's shell, so that neither
# name nor password ever stands on a command line or in a file.
CREDENTIAL_HELPER = '!f() { echo "username=${SOLOIST_GIT_USERNAME:-git}"; echo "password=$SOLOIST_GIT_PASSWORD"; }; f'


class SourceError(Exception):
    """The commit could not be brought; the message says why and what to do."""


def fetch_commit(settings: SourceSettings, environ: Mapping[str, str]) -> None:
    """Make the code folder equal to the commit's tree, whatever an earlier try left in it."""
    env = _git_environment(settings, environ)
    with tempfile.TemporaryDirectory(prefix="soloist-source-") as scratch:
        repository = Path(scratch)
        _git(settings, env, repository, "init", "--quiet")
        _git(settings, env, repository, "remote", "add", "origin", settings.url)
        _fetch(settings, env, repository)
        _git(
            settings,
            env,
            repository,
            "checkout",
            "--quiet",
            "--detach",
            settings.commit,
        )
        shutil.rmtree(repository / ".git")
        _replace_content(repository, settings.code_dir)


def _fetch(settings: SourceSettings, env: Mapping[str, str], repository: Path) -> None:
    """One commit if the server allows asking for it by its hash, else every branch and tag."""
    one = _try_git(env, repository, "fetch", "--quiet", "--depth", "1", "origin", settings.commit)
    if one.returncode == 0:
        return
    _git(
        settings,
        env,
        repository,
        "fetch",
        "--quiet",
        "--tags",
        "origin",
        "+refs/*:refs/remotes/o/*",
    )


def _replace_content(source: Path, target: Path) -> None:
    """Empty the folder and fill it, but leave itself as it is: it is a mount point, and its mode and times are not ours."""
    target.mkdir(parents=True, exist_ok=True)
    for child in target.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()
    for child in source.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.copytree(child, target / child.name, symlinks=True)
        else:
            shutil.copy2(child, target / child.name, follow_symlinks=False)


def _git_environment(settings: SourceSettings, environ: Mapping[str, str]) -> dict[str, str]:
    env = {**environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    if settings.has_credentials:
        env |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "credential.helper",
            "GIT_CONFIG_VALUE_0": CREDENTIAL_HELPER,
        }
    return env


def _git(
    settings: SourceSettings, env: Mapping[str, str], repository: Path, *arguments: str
) -> None:
    done = _try_git(env, repository, *arguments)
    if done.returncode != 0:
        raise SourceError(explain_failure(settings, done.stderr))


def _try_git(
    env: Mapping[str, str], repository: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments],
        cwd=repository,
        env=env,
        text=True,
        capture_output=True,
        check=False,
    )


def explain_failure(settings: SourceSettings, stderr: str) -> str:
    """Git's complaint as one sentence with the next step; an address never shows its password."""
    url = _redact(settings.url)
    said = _redact(" ".join(stderr.split()))
    lower = said.lower()
    if "could not read username" in lower or "authentication failed" in lower or "403" in lower:
        return (
            f"{url} asks for credentials or refuses those given. Name a Secret with username and password "
            "in spec.source.git.secretName."
        )
    if "did not match" in lower or "reference is not a tree" in lower or "unable to read" in lower:
        return (
            f"Commit {settings.commit} is not in {url}: it may have been removed by a force push. "
            "Push it again or change spec.source.git.ref."
        )
    return f"{url} can't be fetched: {said}"


def _redact(text: str) -> str:
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", text)


def main() -> int:
    try:
        settings = parse_source(os.environ)
        fetch_commit(settings, os.environ)
    except (SourceError, SettingsError, OSError) as error:
        leave_last_words(str(error))
        return 1
    print(f"{_redact(settings.url)} at {settings.commit} is in {settings.code_dir}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
