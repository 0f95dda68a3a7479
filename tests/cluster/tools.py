"""Calls of other programs, with an error that says what was being tried."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.cluster.trouble import Trouble


def run(
    *command: str | Path,
    why: str,
    cwd: Path | None = None,
    text: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program quietly and return what it printed; when it fails, say why it was run and how it ended."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **environment} if environment else None,
        )
    except FileNotFoundError:
        raise Trouble(f"{why} needs the program {words[0]}, which is not installed.") from None
    if done.returncode != 0:
        tail = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-15:])
        raise Trouble(
            f"{why} failed: {' '.join(words[:4])} … ended with {done.returncode}:\n{tail}"
        )
    return done.stdout


def find(program: str, environment: Mapping[str, str]) -> str:
    """Where a program is for a cluster: its own tools match its version."""
    path = environment.get("PATH")
    found = shutil.which(program, path=path)
    if found is None:
        raise Trouble(f"The program {program} is not on the path.")
    return found


def succeeds(*command: str | Path, within: float = 20) -> bool:
    """Whether a program exists and ends well in time; for questions, where a failure is an answer."""
    words = [str(word) for word in command]
    try:
        return (
            subprocess.run(words, capture_output=True, check=False, timeout=within).returncode == 0
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False


def missing(programs: Sequence[str]) -> list[str]:
    return [program for program in programs if shutil.which(program) is None]
