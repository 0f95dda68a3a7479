"""Where a server stands between start and exit; read by the readiness probe."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from soloist_workloads.serving.scorer import Scorer


class Phase(Enum):
    LOADING = "the model is loading"
    READY = "ready"
    LINGERING = "ready, for a little while"
    RESTARTING = "the model's process ended and is starting again"
    DRAINING = "the pod is stopping"


@dataclass(slots=True)
class State:
    """Written by start and drain, read by every request."""

    phase: Phase = Phase.LOADING
    scorer: Scorer | None = None
    document: bytes = b""
    """The model's OpenAPI document, once it is loaded."""

    @property
    def is_ready(self) -> bool:
        """What the probes are told."""
        return self.phase in (Phase.READY, Phase.LINGERING)

    def become_ready(self, scorer: Scorer) -> None:
        self.scorer = scorer
        if self.phase is Phase.LOADING:
            self.phase = Phase.READY

    def hear_of_model(self, is_up: bool) -> None:
        """From whoever keeps the model's own process; a drain is not undone by it."""
        if self.phase is Phase.READY and not is_up:
            self.phase = Phase.RESTARTING
        elif self.phase is Phase.LINGERING and not is_up:
            self.phase = Phase.DRAINING  # there is nothing to linger for
        elif self.phase is Phase.RESTARTING and is_up:
            self.phase = Phase.READY
