"""How requests reach the model: bounded, never on the event loop, together only when they had to wait anyway."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from soloist_workloads.serving import turns
from soloist_workloads.serving.lane import QUICK_FACTOR, Lane
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.threads import DELIVER_WITHIN_SECONDS
from soloist_workloads.serving.turns import FULL_SLICE_SECONDS, SLICE_SECONDS
from soloist_workloads.serving.way import Way

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
    asked = [asyncio.create_task(lane.run(questions[0], Way(model.answer, most=most)))]
    await asyncio.to_thread(model.began.wait)
    asked += [asyncio.create_task(lane.run(n, Way(model.answer, most=most))) for n in questions[1:]]
    await asyncio.sleep(0)  # each puts its question into the queue
    model.go_on.set()
    return await asyncio.gather(*asked, return_exceptions=True)


async def test_a_question_that_finds_the_model_free_goes_alone() -> None:
    model, lane = Model(), Lane(threads=1)
    for n in range(3):
        assert await lane.run(n, Way(model.answer, most=64)) == n
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
        await lane.run(1, Way(fail))
    assert await lane.run(1, Way(Model().answer)) == 1


async def test_the_event_loop_never_predicts() -> None:
    model, lane = Model(), Lane(threads=1)
    await lane.run(1, Way(model.answer))
    assert threading.current_thread().name not in model.threads


async def test_a_request_that_was_given_up_harms_nobody() -> None:
    model, lane = Model(), Lane(threads=1)
    model.go_on.clear()
    given_up = asyncio.create_task(lane.run(1, Way(model.answer)))
    await asyncio.to_thread(model.began.wait)
    given_up.cancel()
    model.go_on.set()
    assert await lane.run(2, Way(model.answer)) == 2


async def test_the_lane_is_bounded() -> None:
    lane = Lane(threads=1, most_in_flight=1)
    lane.enter()
    with pytest.raises(RequestProblem) as refused:
        lane.enter()
    assert refused.value.status == 503
    lane.leave()
    lane.enter()


async def test_many_more_may_wait_for_a_quick_model() -> None:
    """After a pause of the node they come at once by hundreds, and are answered within tenths of a second."""
    lane = Lane(threads=1, most_in_flight=1)
    lane.enter()
    assert lane.is_full()
    for _ in range(QUICK_FACTOR - 1):
        assert not lane.is_full(quick=True)
        lane.enter(quick=True)
    with pytest.raises(RequestProblem):
        lane.enter(quick=True)


def here(at_once: Callable[[Sequence[Any]], Sequence[Any]]) -> Way[Any, Any]:
    """A way that never needs its thread."""
    return Way(lambda _: [], at_once=at_once)


def asked_here(
    lane: Lane, model: Model, n: int, *, most: int = 1, leaves: bool = False
) -> asyncio.Future[int]:
    """Asks on the event loop; one that leaves it to a thread gives no answer there."""
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def at_once(questions: Sequence[int]) -> list[int | Exception | None]:
        return [None] * len(questions) if leaves else list(model.answer(questions))

    lane.submit(n, Way(model.answer, at_once=at_once, most_at_once=most), future.set_result)
    return future


async def test_a_quick_model_answers_on_the_event_loop_but_never_within_the_call() -> None:
    model, lane = Model(), Lane(threads=1)
    future = asked_here(lane, model, 1)
    assert model.groups == []
    assert await future == 1
    assert model.threads == {threading.current_thread().name}


async def test_there_too_what_waits_goes_together() -> None:
    model, lane = Model(), Lane(threads=1)
    assert await asyncio.gather(*(asked_here(lane, model, n, most=3) for n in range(5))) == [
        *range(5)
    ]
    assert model.groups == [[0, 1, 2], [3, 4]]


async def test_what_it_leaves_goes_to_a_thread() -> None:
    model, lane = Model(), Lane(threads=1)
    assert await asked_here(lane, model, 1, leaves=True) == 1
    assert model.threads == {"predict-1"}


async def test_the_event_loop_has_its_turn_between_slices() -> None:
    lane, order = Lane(threads=1), list[str]()

    def slow(questions: Sequence[int]) -> list[int | Exception | None]:
        time.sleep(SLICE_SECONDS * 2)
        order.append("model")
        return list(questions)

    def beat() -> None:
        order.append("loop")
        if len(order) < 8:
            asyncio.get_running_loop().call_soon(beat)

    answers = [asyncio.get_running_loop().create_future() for _ in range(4)]
    for n, future in enumerate(answers):
        lane.submit(n, here(slow), future.set_result)
    beat()
    await asyncio.gather(*answers)
    assert "model,model" not in ",".join(order)


async def test_a_full_lane_lets_the_event_loop_look_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or new connections, of which it takes one at each look, would wait behind predictions to be refused."""
    ticks = itertools.count(step=FULL_SLICE_SECONDS / 2)
    monkeypatch.setattr(turns, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(turns, "SLICE_TO_ELSEWHERE", 0)

    async def answered_in_one_slice(*, is_full: bool) -> int:
        lane, count = Lane(threads=1, most_in_flight=1), 0
        if is_full:
            lane.enter()

        def done(_: object) -> None:
            nonlocal count
            count += 1

        for n in range(100):
            lane.submit(n, here(list), done)
        await asyncio.sleep(0)
        return count

    assert await answered_in_one_slice(is_full=True) == 3
    assert await answered_in_one_slice(is_full=False) > 3


@pytest.mark.parametrize(
    ("elsewhere", "refuses", "answered"),
    [(0.01, True, 40), (0.02, True, 80), (1.0, True, 100), (1.0, False, 1)],
    ids=["10 ms", "20 ms", "1 s", "nobody refused"],
)
async def test_a_slice_grows_with_what_the_loop_did_elsewhere_while_it_refuses(
    elsewhere: float, refuses: bool, answered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more clients than places it reads and refuses for long: by the clock alone it would hardly answer any more.

    While there are places, the sooner it looks the sooner new connections are taken.
    """
    clock, count = 0.0, 0
    monkeypatch.setattr(turns, "monotonic", lambda: clock)

    def at_once(questions: Sequence[int]) -> Sequence[int]:
        nonlocal clock, count
        clock += 0.001
        count += 1
        return questions

    lane = Lane(threads=1, most_in_flight=0 if refuses else 128)
    assert lane.try_enter() is not refuses
    for n in range(500):
        lane.submit(n, here(at_once), lambda _: None)
    clock += elsewhere
    await asyncio.sleep(0)
    assert count == pytest.approx(answered, abs=1)


async def test_answers_of_a_slice_are_handed_over_together() -> None:
    """Each that is written by itself wakes its reader."""
    lane, order = Lane(threads=1), list[str]()

    def at_once(questions: Sequence[int]) -> Sequence[int]:
        order.append("asked")
        return questions

    for n in range(3):
        lane.submit(n, here(at_once), lambda _: order.append("answered"))
    await asyncio.sleep(0)
    assert order == ["asked"] * 3 + ["answered"] * 3


async def test_nobody_waits_for_the_end_of_a_long_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it refuses it may take a tenth of a second."""
    clock, waited = 0.0, list[float]()
    monkeypatch.setattr(turns, "monotonic", lambda: clock)

    def at_once(questions: Sequence[float]) -> Sequence[float]:
        nonlocal clock
        clock += 0.0004
        return [clock] * len(questions)

    lane = Lane(threads=1, most_in_flight=0)
    assert not lane.try_enter()
    for _ in range(100):
        lane.submit(0.0, here(at_once), lambda at: waited.append(clock - at))
    clock += 1.0
    await asyncio.sleep(0)
    assert len(waited) == 100
    assert max(waited) <= 2 * DELIVER_WITHIN_SECONDS


async def test_whoever_asks_again_at_once_gets_no_second_slice() -> None:
    """Or each slice would bring two more, and the loop would look at its sockets ever more seldom."""
    lane, beats = Lane(threads=1), list[str]()

    def at_once(questions: Sequence[int]) -> Sequence[int]:
        time.sleep(SLICE_SECONDS * 1.5)
        beats.append("slice")
        return questions

    def ask(_: object = None) -> None:
        if len(beats) < 12:
            lane.submit(1, here(at_once), ask)

    def look() -> None:
        if len(beats) < 12:
            beats.append("look")
            asyncio.get_running_loop().call_soon(look)

    for _ in range(3):
        ask()
    look()
    while len(beats) < 12:  # noqa: ASYNC110 - the loop's own turns are what counts
        await asyncio.sleep(0)
    assert "slice,slice" not in ",".join(beats)
