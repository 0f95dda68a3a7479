"""What the project says about itself while it comes to be, as it says it."""

from __future__ import annotations

import threading
import time

from demo.commands import Commands
from tests.cluster.phases import say
from tests.cluster.trouble import Trouble

FIELDS = (
    "{.metadata.generation}",
    "{.status.observedGeneration}",
    "{.status.stage}",
    "{.status.summary}",
)
# Longer than a first run on two busy cores takes.
PATIENCE = 900.0


def follow(commands: Commands, project: str, generation: str, *, since: float) -> None:
    """Print each new sentence with the seconds since `kubectl apply`; returns when the model is served."""
    template = "jsonpath=" + "|".join(FIELDS) + "\n"
    words = ("get", "project", project, "--watch", "--output", template)
    deadline = threading.Event()
    with commands.stream(*words) as process:

        def give_up() -> None:
            deadline.set()
            process.kill()

        timer = threading.Timer(PATIENCE, give_up)
        timer.start()
        try:
            told = ""
            for line in process.stdout or ():
                _, observed, stage, summary = line.rstrip("\n").split("|", 3)
                if observed != generation:
                    continue
                if summary != told:
                    say(f"  {time.monotonic() - since:6.1f} s  {summary}")
                    told = summary
                if stage == "Serving":
                    return
                if stage == "Stalled":
                    raise Trouble(f"The project stalled: {summary}")
        finally:
            timer.cancel()
    if deadline.is_set():
        raise Trouble(
            f"The model is not served after {PATIENCE:.0f} s; kubectl describe project {project} tells more."
        )
    raise Trouble("kubectl ended while the project was watched; run it again to go on.")
