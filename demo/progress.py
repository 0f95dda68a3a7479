"""What the project says about itself while it comes to be, as it says it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from demo.commands import Commands
from tests.cluster.phases import say
from tests.cluster.trouble import Trouble

FIELDS = (
    "{.status.observedGeneration}",
    "{.status.stage}",
    "{.status.lastRun.name}",
    "{.status.lastRun.phase}",
    "{.status.model.version}",
    "{.status.summary}",
)
# Longer than a first run on two busy cores takes.
PATIENCE = 900.0
# An edit of a project that is served already: its new Run shows within this time, and is waited for.
SETTLING = 3.0
OVER = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Word:
    """One state of the project, as far as the demo tells it."""

    generation: str
    stage: str
    run: str
    phase: str
    served: str
    summary: str


def follow(commands: Commands, project: str, generation: str, *, since: float) -> None:
    """Print each new sentence with the seconds since `kubectl apply`; returns when the newest model is served."""
    template = "jsonpath=" + "|".join(FIELDS) + "\n"
    deadline = time.monotonic() + PATIENCE
    lines: queue.Queue[str] = queue.Queue()
    told = ""
    last: Word | None = None
    with commands.stream("get", "project", project, "--watch", "--output", template) as process:
        threading.Thread(target=forward, args=(process.stdout or (), lines), daemon=True).start()
        while True:
            if time.monotonic() > deadline:
                raise Trouble(
                    f"Not served after {PATIENCE:.0f} s; kubectl describe project {project} tells more."
                )
            try:
                line = lines.get(timeout=SETTLING)
            except queue.Empty:
                if last and is_settled(commands, last):
                    return
                continue
            word = parse_word(line)
            if word is None or word.generation != generation:
                continue
            if word.summary != told:
                say(f"  {time.monotonic() - since:6.1f} s  {word.summary}")
                told = word.summary
            if word.stage == "Stalled":
                raise Trouble("The project stalled; the last sentence says why and what to do.")
            last = word
            # Never edited: no newer Run is to come, so that there is nothing to wait for.
            if generation == "1" and is_settled(commands, word):
                return


def is_settled(commands: Commands, word: Word) -> bool:
    """Whether the newest Run is over and the version that it made, if it made one, is the one that is served."""
    if word.stage != "Serving" or word.phase not in OVER:
        return False
    version = ("get", "run", word.run, "--output", "jsonpath={.status.model.version}")
    return commands(*version, why=f"Reading {word.run}") in ("", word.served)


def forward(source: Iterable[str], lines: queue.Queue[str]) -> None:
    for line in source:
        lines.put(line)


def parse_word(line: str) -> Word | None:
    """A line of the watch; None for the rest of a summary that has several lines."""
    parts = line.rstrip("\n").split("|", len(FIELDS) - 1)
    return Word(*parts) if len(parts) == len(FIELDS) else None
