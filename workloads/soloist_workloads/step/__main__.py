"""`python -m soloist_workloads.step`: the entrypoint of every RayJob."""

from __future__ import annotations

import os
import sys

from soloist_workloads.environment import SettingsError, parse_step
from soloist_workloads.step.runner import run_step


def main() -> int:
    try:
        settings = parse_step(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    return run_step(settings, os.environ)


if __name__ == "__main__":
    sys.exit(main())
