"""What a pod may be asked to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AskPod:
    """Send a pod a message (JSON). Nobody waits for what comes of it: one that doesn't hear it is asked again at a later look."""

    url: str
    message: str
