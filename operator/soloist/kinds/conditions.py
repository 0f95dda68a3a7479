"""From one verdict to the three conditions that every kind shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from soloist.api.conditions import Condition, ConditionType, rfc3339, set_conditions
from soloist.api.parse import Resource

# Well within the limit of `summary`: a command of 4096 characters may be part of the sentence.
LONGEST = 1500

State = Literal["Ready", "Progressing", "Waiting", "Stalled"]
Truth = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an object stands, why, and the sentence for its owner."""

    state: State
    reason: str
    message: str

    def __post_init__(self) -> None:
        """A sentence that the API server would refuse for its length would keep the whole status from being written."""
        if len(self.message) > LONGEST:
            object.__setattr__(self, "message", f"{self.message[: LONGEST - 1].rstrip()}…")

    @classmethod
    def ready(cls, reason: str, message: str) -> Verdict:
        """All that was asked for is there."""
        return cls("Ready", reason, message)

    @classmethod
    def progressing(cls, reason: str, message: str) -> Verdict:
        """It is under way and nothing is wrong."""
        return cls("Progressing", reason, message)

    @classmethod
    def waiting(cls, reason: str, message: str) -> Verdict:
        """Something is in the way; it goes on by itself when that is gone."""
        return cls("Waiting", reason, message)

    @classmethod
    def stalled(cls, reason: str, message: str) -> Verdict:
        """It will not go on before its owner changes something."""
        return cls("Stalled", reason, message)


def conditions(owner: Resource[Any, Any], verdict: Verdict, now: datetime) -> list[Condition]:
    """Ready, Progressing and Stalled; each keeps its transition time while its status stays."""
    truths: dict[ConditionType, Truth] = {
        ConditionType.READY: "True" if verdict.state == "Ready" else "False",
        ConditionType.PROGRESSING: "True"
        if verdict.state in ("Progressing", "Waiting")
        else "False",
        ConditionType.STALLED: "True" if verdict.state == "Stalled" else "False",
    }
    wanted = (
        Condition(
            type=kind,
            status=truth,
            reason=verdict.reason,
            message=verdict.message if kind == ConditionType.READY else "",
            last_transition_time=rfc3339(now),
            observed_generation=owner.metadata.generation,
        )
        for kind, truth in truths.items()
    )
    return list(set_conditions(owner.status.conditions, wanted))
