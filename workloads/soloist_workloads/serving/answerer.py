"""What a worker thread does: from the bodies of waiting requests to their answers.

    one request ──▶ matrix? ──▶ predict ──▶ encode          else the protocol's whole path
    several     ──▶ matrices ──▶ joined ──▶ predict once ──▶ each its own rows ──▶ encode

Requests are joined only for models whose rows are apart, so that nobody can tell from an answer what it was joined
with. When the joined prediction fails, every request is predicted by itself, and only the bad one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter, thread_time
from typing import Any

import numpy as np
import orjson

from soloist_workloads.serving.answer import encode_predictions
from soloist_workloads.serving.metrics import Metrics
from soloist_workloads.serving.outputs import name_outputs
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.scorer import (
    JSON,
    MatrixModel,
    Reply,
    Scorer,
    call_model,
    parse_content_type,
)
from soloist_workloads.serving.validity import unwatched
from soloist_workloads.serving.way import Way

Array = np.ndarray[Any, Any]
V1, V2 = "v1", "v2"

# More requests at once would keep the first of them waiting for the encoding of the last.
MOST_TOGETHER = 64
# Of those that aren't joined, asked one after the other on the event loop. What a call spends on its clock and its counters is spent
# once, and the next request finds the caches as the last one left them. At a millisecond each, health checks wait for 16.
MOST_IN_TURN = 16
# A request with more rows than this has nothing to win: the model's cost per call is already spread.
MOST_JOINED_ROWS = 32
# A larger body has more rows than those from which the model's pace is known.
MOST_BYTES_AT_ONCE = 4096


@dataclass(slots=True)  # frozen would cost a microsecond for each request
class Question:
    """One request as it arrived; `header_length` is the header of v2's binary extension, or empty.

    `is_repeated` where a candidate asks again what a client was answered: the gateway counted it once.
    """

    protocol: str
    body: bytes
    content_type: str
    header_length: str = ""
    is_repeated: bool = False


@dataclass(slots=True)
class _Rows:
    """A question that was read as a matrix."""

    place: int
    rows: Array
    id: Any = None


class Answerer:
    """Answers for one model version. Called from worker threads, several at a time."""

    def __init__(self, scorer: Scorer, metrics: Metrics, *, model: str, version: str) -> None:
        self._scorer = scorer
        self._metrics = metrics
        self._model = model
        self._version = version
        self._matrix = scorer.matrix
        self._joins = self._matrix is not None and self._matrix.rows_are_apart
        self.by_thread = self._way(is_quick=False, is_brief=False)
        self._ways = {
            (is_quick, is_brief): self._way(is_quick=is_quick, is_brief=is_brief)
            for is_quick in (False, True)
            for is_brief in (False, True)
        }

    def _way(self, *, is_quick: bool, is_brief: bool) -> Way[Question, Reply]:
        most = MOST_TOGETHER if self._joins else 1
        return Way(
            self.answer,
            most=most,
            at_once=self.answer_at_once if is_brief else None,
            most_at_once=MOST_IN_TURN if is_quick and not self._joins else most,
            is_quick=is_quick,
        )

    def way_of(self, body: bytes) -> Way[Question, Reply]:
        """By the pace that the model has shown, which was with requests no larger than the usual."""
        matrix = self._matrix
        if matrix is None or len(body) > MOST_BYTES_AT_ONCE:
            return self.by_thread
        return self._ways[matrix.pace.is_quick, matrix.pace.is_brief]

    def answer_at_once(self, questions: Sequence[Question]) -> list[Reply | Exception | None]:
        """One outcome per question; None where it isn't plainly a matrix, and who knows how long it takes."""
        started = perf_counter()
        outcomes: list[Reply | Exception | None] = [None] * len(questions)
        if self._matrix is not None:
            self._answer_matrices(self._matrix, questions, outcomes)
        seconds, calls = perf_counter() - started, 1 if self._joins else len(questions)
        if self._matrix is not None:
            self._matrix.pace.note(seconds, questions=len(questions), calls=calls)
        answered = [
            question.protocol
            for question, outcome in zip(questions, outcomes, strict=True)
            if outcome is not None
        ]
        if answered:
            self._metrics.tell_predictions(answered, seconds / calls, together=self._joins)
        return outcomes

    def answer(self, questions: Sequence[Question]) -> list[Reply | Exception]:
        """One outcome per question, in their order."""
        started, worked = perf_counter(), thread_time()
        outcomes: list[Reply | Exception | None] = [None] * len(questions)
        if self._matrix is not None:
            self._answer_matrices(self._matrix, questions, outcomes)
        whole = [
            outcome if outcome is not None else self._answer_alone(question)
            for question, outcome in zip(questions, outcomes, strict=True)
        ]
        if self._matrix is not None:
            # Not by the clock: beside a busy event loop, a thread mostly waits for its turn.
            self._matrix.pace.note(thread_time() - worked, questions=len(questions))
        self._metrics.tell_predictions(
            [question.protocol for question in questions], perf_counter() - started
        )
        return whole

    def _answer_matrices(
        self,
        matrix: MatrixModel,
        questions: Sequence[Question],
        outcomes: list[Reply | Exception | None],
    ) -> None:
        read = [
            rows
            for place, question in enumerate(questions)
            if (rows := _read(matrix, place, question)) is not None
        ]
        joined: Mapping[int, Array] = {}
        if self._joins and len(read) > 1:
            small = [asked for asked in read if len(asked.rows) <= MOST_JOINED_ROWS]
            joined = _predict_joined(matrix, small) if len(small) > 1 else {}
        for asked in read:
            predictions = joined.get(asked.place)
            try:
                if predictions is None:
                    predictions = call_model(matrix.predict, asked.rows)
                question = questions[asked.place]
                if not question.is_repeated:
                    matrix.see(predictions)
                outcomes[asked.place] = self._encode(question, asked, predictions)
            except Exception as error:
                outcomes[asked.place] = error

    def _encode(self, question: Question, asked: _Rows, predictions: Any) -> Reply:
        if question.protocol == V1:
            return Reply(encode_predictions(predictions))
        answer: dict[str, Any] = {"model_name": self._model, "model_version": self._version}
        if asked.id is not None:
            answer["id"] = asked.id
        outputs = name_outputs(predictions, self._scorer.outputs)
        answer["outputs"] = [output.as_json() for output in outputs]
        return Reply(orjson.dumps(answer))

    def _answer_alone(self, question: Question) -> Reply | Exception:
        if question.is_repeated:
            with unwatched():
                return self._answer_by_protocol(question)
        return self._answer_by_protocol(question)

    def _answer_by_protocol(self, question: Question) -> Reply | Exception:
        """Everything that isn't plainly a matrix: other forms, other types, other media, and all refusals."""
        try:
            if question.protocol == V1:
                return self._scorer.invoke(question.body, question.content_type)
            from soloist_workloads.serving import openinference

            return openinference.infer(
                question.body,
                self._scorer,
                model=self._model,
                version=self._version,
                header_length=question.header_length,
            )
        except Exception as error:
            return error


def _read(matrix: MatrixModel, place: int, question: Question) -> _Rows | None:
    if question.protocol == V2:
        if question.header_length:
            return None
        read = matrix.plan.read_inference(question.body)
        return None if read is None else _Rows(place, *read)
    try:
        if parse_content_type(question.content_type) != JSON:
            return None
    except RequestProblem:
        return None
    rows = matrix.plan.read_invocation(question.body)
    return None if rows is None else _Rows(place, rows)


def _predict_joined(matrix: MatrixModel, asked: list[_Rows]) -> dict[int, Array]:
    """Each question's part of one prediction; nothing when that isn't to be had, and each is predicted by itself."""
    try:
        predictions = matrix.predict(np.concatenate([one.rows for one in asked]))
    except Exception:  # the request that is to blame gets its sentence when it is predicted alone
        return {}
    ends = np.cumsum([len(one.rows) for one in asked]).tolist()
    if not isinstance(predictions, np.ndarray) or len(predictions) != ends[-1]:
        return {}
    starts = [0, *ends[:-1]]
    return {
        one.place: predictions[start:end]
        for one, start, end in zip(asked, starts, ends, strict=True)
    }
