"""How requests reach the model: bounded, never on the event loop, together only when they had to wait anyway."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from soloist_workloads.serving.lane import Lane
from soloist_workloads.serving.problem import RequestProblem

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(60)]


class Model:
    """Answers with what it was asked; the first question can be held until the others wait."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.threads: set[str] = set()
        self.began, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def answer(self, questions: Sequence[int]) -> list[int | Exception]:
        self.groups.append(list(questions))
        self.threads.add(threading.current_thread().name)
        self.began.set()
        self.go_on.wait()
        return [ValueError(n) if n < 0 else n for n in questions]


async def held(lane: Lane, model: Model, *questions: int, most: int) -> list[int | BaseException]:
    """Asks the first question, and the others while the model is busy with it."""
    model.go_on.clear()
    asked = [asyncio.create_task(lane.run(questions[0], model.answer, most=most))]
    await asyncio.to_thread(model.began.wait)
    asked += [asyncio.create_task(lane.run(n, model.answer, most=most)) for n in questions[1:]]
    await asyncio.sleep(0)  # each puts its question into the queue
    model.go_on.set()
    return await asyncio.gather(*asked, return_exceptions=True)


async def test_a_question_that_finds_the_model_free_goes_alone() -> None:
    model, lane = Model(), Lane(threads=1)
    for n in range(3):
        assert await lane.run(n, model.answer, most=64) == n
    assert model.groups == [[0], [1], [2]]


async def test_what_had_to_wait_goes_together() -> None:
    model, lane = Model(), Lane(threads=1)
    assert await held(lane, model, 0, 1, 2, 3, most=64) == [0, 1, 2, 3]
    assert model.groups == [[0], [1, 2, 3]]


async def test_no_more_go_together_than_allowed() -> None:
    model, lane = Model(), Lane(threads=1)
    assert await held(lane, model, 0, 1, 2, 3, 4, most=2) == [0, 1, 2, 3, 4]
    assert model.groups == [[0], [1, 2], [3, 4]]


async def test_one_thread_answers_where_questions_can_go_together() -> None:
    model, lane = Model(), Lane(threads=4)
    assert await held(lane, model, 0, 1, 2, 3, most=64) == [0, 1, 2, 3]
    assert model.groups == [[0], [1, 2, 3]]


async def test_where_rows_arent_apart_each_goes_alone() -> None:
    model, lane = Model(), Lane(threads=1)
    await held(lane, model, 0, 1, 2, most=1)
    assert model.groups == [[0], [1], [2]]


async def test_each_gets_its_own_outcome() -> None:
    model, lane = Model(), Lane(threads=1)
    first, bad, last = await held(lane, model, 0, -1, 2, most=64)
    assert (first, last) == (0, 2)
    assert isinstance(bad, ValueError)


@pytest.mark.parametrize("error", [RuntimeError("broken"), SystemExit("broken")], ids=repr)
async def test_a_thread_outlives_what_goes_wrong(error: BaseException) -> None:
    def fail(questions: Sequence[int]) -> list[int]:
        raise error

    lane = Lane(threads=1)
    with pytest.raises(RuntimeError, match="broken"):
        await lane.run(1, fail)
    assert await lane.run(1, Model().answer) == 1


async def test_the_event_loop_never_predicts() -> None:
    model, lane = Model(), Lane(threads=1)
    await lane.run(1, model.answer)
    assert threading.current_thread().name not in model.threads


async def test_a_request_that_was_given_up_harms_nobody() -> None:
    model, lane = Model(), Lane(threads=1)
    model.go_on.clear()
    given_up = asyncio.create_task(lane.run(1, model.answer))
    await asyncio.to_thread(model.began.wait)
    given_up.cancel()
    model.go_on.set()
    assert await lane.run(2, model.answer) == 2


async def test_the_lane_is_bounded() -> None:
    lane = Lane(threads=1, most_in_flight=1)
    lane.enter()
    with pytest.raises(RequestProblem) as refused:
        lane.enter()
    assert refused.value.status == 503
    lane.leave()
    lane.enter()
