"""Any MLflow model that isn't native, in a process of its own (`worker`), seen from the server's."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from soloist_workloads.serving.attendant import Attendant
from soloist_workloads.serving.memory import read_share
from soloist_workloads.serving.scorer import CardScorer, Reply, parse_content_type
from soloist_workloads.serving.signature import ModelCard
from soloist_workloads.serving.state import State
from soloist_workloads.serving.validity import Watch

WORKER = (sys.executable, "-m", "soloist_workloads.serving.worker")


class WorkerScorer(CardScorer):
    """Passes requests on as they come, and makes no table of them: the bytes are all that crosses."""

    def __init__(self, card: ModelCard, attendant: Attendant, watch: Watch) -> None:
        super().__init__(card)
        self._watch = watch
        self.attendant = attendant

    def invoke(self, body: bytes, content_type: str) -> Reply:
        parse_content_type(content_type)
        return self._ask({"content_type": content_type}, body)

    def infer(self, body: bytes, *, model: str, version: str, header_length: str) -> Reply:
        question = {"model": model, "version": version, "header_length": header_length}
        return self._ask(question, body)

    def _ask(self, question: Mapping[str, Any], body: bytes) -> Reply:
        """Predictions stay in the other process, which says of each reply whether they were any."""
        reply = self.attendant.ask(question, body)
        if not reply.is_valid:
            self._watch.count()
        return reply

    def predict(self, given: Any) -> NoReturn:
        raise TypeError(
            f"{type(given).__name__}: only bodies of requests go to the model's process."
        )

    def watch(self, state: State) -> None:
        """Keeps readiness true to whether there is a process that answers."""
        self.attendant.watch(state.hear_of_model)


def load_pyfunc(
    card: ModelCard, watch: Watch | None = None, *, share: int | None = None
) -> WorkerScorer:
    """A model that is loaded and warm; `share` is the memory its process may use, by default of the container's."""
    memory = read_share() if share is None else share
    attendant = Attendant([*WORKER, str(card.folder), str(memory)])
    attendant.start()
    return WorkerScorer(card, attendant, watch or Watch(card.outputs))
