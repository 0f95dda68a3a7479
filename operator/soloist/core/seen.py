"""The snapshot of the world that one reconcile decides on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from soloist.core.effects import (
    FindModel,
    FindTrackedRun,
    GetObject,
    IsThere,
    ListObjects,
    PodPage,
    Problem,
    Read,
    ReadPages,
    ReadUrl,
    Recall,
    RegisteredModel,
    ResolveGit,
    TailLog,
    TrackedRun,
)
from soloist.core.metric import FindMetric, LoggedMetric
from soloist.core.objects import KindRef, Manifest


@dataclass(frozen=True, slots=True)
class Seen:
    """Answers by question. A question nobody asked is a bug and raises KeyError."""

    now: datetime
    answers: Mapping[Read, Any]

    def problem(self, read: Read) -> Problem | None:
        """Why this read has no answer, if it has none."""
        answer = self.answers[read]
        return answer if isinstance(answer, Problem) else None

    def problems(self) -> tuple[Problem, ...]:
        """Every problem, in the order of the questions, each once."""
        found = (answer for answer in self.answers.values() if isinstance(answer, Problem))
        return tuple(dict.fromkeys(found))

    def object(self, read: GetObject) -> Manifest | None:
        """The object; None when it is missing or could not be read."""
        return cast("Manifest | None", self._answer(read))

    def is_there(self, read: IsThere) -> bool:
        """Whether the object exists."""
        return bool(self._answer(read))

    def objects(self, read: ListObjects) -> tuple[Manifest, ...]:
        """The objects; none when they could not be read (see `problem`)."""
        return self._answer(read) or ()

    def lines(self, read: TailLog) -> tuple[str, ...]:
        """The log's last lines."""
        return self._answer(read) or ()

    def commit(self, read: ResolveGit) -> str | None:
        """The commit, forty hex digits."""
        return cast("str | None", self._answer(read))

    def tracked_run(self, read: FindTrackedRun) -> TrackedRun | None:
        """The tracked run; None when there is none yet, or MLflow did not answer (see `problem`)."""
        return cast("TrackedRun | None", self._answer(read))

    def model(self, read: FindModel) -> RegisteredModel | None:
        """The registered model; None when there is none yet, or MLflow did not answer (see `problem`)."""
        return cast("RegisteredModel | None", self._answer(read))

    def metric(self, read: FindMetric) -> LoggedMetric | None:
        """The metric of a version's run; None when the version is gone, or MLflow did not answer (see `problem`)."""
        return cast("LoggedMetric | None", self._answer(read))

    def text(self, read: ReadUrl) -> str:
        """What is at the address; empty when nobody answers there."""
        return self._answer(read) or ""

    def pages(self, read: ReadPages) -> tuple[PodPage, ...]:
        """One page for each pod that has an address."""
        return self._answer(read) or ()

    def children(self, kinds: tuple[KindRef, ...]) -> tuple[tuple[KindRef, Manifest], ...]:
        """The listed objects of these kinds: what the diff calls live. Other lists (pods, say) are only looked at."""
        return tuple(
            (read.kind, manifest)
            for read, answer in self.answers.items()
            if isinstance(read, ListObjects) and read.kind in kinds
            if not isinstance(answer, Problem)
            for manifest in answer
        )

    def memory(self, read: Recall) -> Any:
        """What the last reconcile remembered; None when it was forgotten."""
        return self._answer(read)

    def _answer(self, read: Read) -> Any:
        answer = self.answers[read]
        return None if isinstance(answer, Problem) else answer
