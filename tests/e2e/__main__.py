"""All stories: first those that disturb each other, one by one, then the others side by side.

Two passes of pytest, because pytest-xdist can't keep a machine free for one test. The first pass installs the platform;
what it measures needs the machine for itself.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = str(Path(__file__).parent)
# Stories mostly wait; more than three at a time would make two cores the thing that they wait for.
WORKERS = "3"
# The tier that takes longest says where its time goes.
SLOWEST = ("--durations=8", "--durations-min=10")
GOOD = (0, 5)  # 5: no story was chosen by the words given


def main(words: list[str]) -> int:
    """The exit code of the first pass that failed; both are run in any case."""
    passes = (("-m", "alone"), ("-m", "not alone", "-n", WORKERS, "--dist", "worksteal"))
    codes = [
        subprocess.run(
            [sys.executable, "-m", "pytest", HERE, *SLOWEST, *chosen, *words], check=False
        ).returncode
        for chosen in passes
    ]
    return next((code for code in codes if code not in GOOD), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
