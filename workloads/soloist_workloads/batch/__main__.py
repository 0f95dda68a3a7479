"""`python -m soloist_workloads.batch`: the one step of an endpoint's batch."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from soloist_workloads.batch.problem import BatchProblem
from soloist_workloads.batch.settings import BatchSettings, parse_batch
from soloist_workloads.environment import SettingsError
from soloist_workloads.fetch import FetchError
from soloist_workloads.processors import openmp_environment
from soloist_workloads.serving.problem import ModelProblem
from soloist_workloads.tracking import TrackingError, open_run_store

if TYPE_CHECKING:
    from soloist_workloads.batch.running import Spread


def main() -> int:
    os.environ.update(openmp_environment(os.environ))  # before numpy is imported, which reads it
    try:
        run(parse_batch(os.environ))
    except (BatchProblem, FetchError, ModelProblem, SettingsError) as error:
        print(" ".join(str(error).split()), flush=True)
        return 1
    return 0


def run(settings: BatchSettings, spread: Spread | None = None) -> None:
    """Score, and tell MLflow how much. A batch that was scored stays scored when MLflow doesn't hear of it."""
    from soloist_workloads.batch.running import on_ray, run_batch

    started = time.monotonic()
    total = run_batch(settings, lambda text: print(text, flush=True), spread or on_ray)
    seconds = time.monotonic() - started
    store = open_run_store(settings.tracking)
    numbers = {
        "rows_scored": total.rows,
        "rows_refused": total.refused,
        "partitions": total.partitions,
        "partitions_skipped": total.skipped,
        "seconds": round(seconds, 3),
    }
    try:
        for name, value in numbers.items():
            if store is not None:
                store.log_metric(name, float(value))
    except TrackingError as error:
        print(f"The numbers did not reach MLflow: {error}", flush=True)
    print(
        f"Scored {total.rows} rows into {settings.output}, refused {total.refused}; {total.skipped} of"
        f" {total.partitions} partitions were done before.",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
