"""`python -m soloist_workloads.serving`: serves the model that the init container fetched."""

from __future__ import annotations

import logging
import os
import sys
from functools import partial

from soloist_workloads.environment import ServingSettings, SettingsError, parse_serving
from soloist_workloads.last_words import leave_last_words
from soloist_workloads.processors import count_processors, openmp_environment
from soloist_workloads.serving.garbage import postpone_collections
from soloist_workloads.serving.problem import ModelProblem

# A thread per processor: more would take turns at the interpreter, and keep each other from answering together.
MOST_THREADS = 4


def main() -> int:
    postpone_collections()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    os.environ.update(openmp_environment(os.environ))  # before numpy is imported, which reads it
    try:
        settings = parse_serving(os.environ)
        run(settings, threads=min(count_processors(), MOST_THREADS))
    except (SettingsError, ModelProblem) as error:
        leave_last_words(str(error))
        return 1
    return 0


def run(settings: ServingSettings, *, threads: int) -> None:
    """Imports late: numpy, below all of these, reads the number of threads once."""
    import uvloop

    from soloist_workloads.serving.app import App
    from soloist_workloads.serving.lane import Lane
    from soloist_workloads.serving.server import build_server, listen, serve
    from soloist_workloads.serving.start import start_model
    from soloist_workloads.serving.state import State

    state = State()
    lane = Lane(threads=threads)
    app = App(
        name=settings.name,
        version=settings.version,
        state=state,
        lane=lane,
        peers=settings.peers,
        gateway=settings.gateway,
        keep_requests=settings.keep_requests,
    )
    server = build_server(app, state=state, drain_seconds=settings.drain_seconds)
    load = partial(start_model, settings, state, app.metrics)
    uvloop.run(serve(server, listen(settings.port), load))


if __name__ == "__main__":
    sys.exit(main())
