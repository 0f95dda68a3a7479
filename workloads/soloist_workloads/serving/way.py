"""A question, the way to its answer, and who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")
Answerer = Callable[[Sequence[Question]], "Sequence[Answer | Exception]"]
# The same without a thread; None for a question that it leaves to one.
AtOnce = Callable[[Sequence[Question]], "Sequence[Answer | Exception | None]"]


@dataclass(frozen=True, slots=True)
class Way(Generic[Question, Answer]):
    """From a question to its answer: by a thread, or at once, on the event loop."""

    answerer: Answerer[Question, Answer]
    most: int = 1
    """Questions that a thread may give it together."""
    at_once: AtOnce[Question, Answer] | None = None
    """Where the model is quick enough to be asked on the event loop."""
    most_at_once: int = 1
    """Questions that it may be given there."""
    is_quick: bool = False
    """Many may wait: each has its answer soon."""


@dataclass(slots=True, eq=False)
class Entry(Generic[Question, Answer]):
    """One question and who waits for its answer."""

    question: Question
    way: Way[Question, Answer]
    done: Callable[[Any], None]
    loop: asyncio.AbstractEventLoop
    outcome: Any = None


def answer(
    group: list[Entry[Any, Any]], answerer: Callable[[Sequence[Any]], Sequence[Any]]
) -> list[Entry[Any, Any]]:
    """Whatever goes wrong belongs to the requests, never to who asks for them."""
    try:
        outcomes = answerer([entry.question for entry in group])
    except Exception as error:
        outcomes = [error] * len(group)
    except (
        BaseException
    ) as error:  # a model that calls sys.exit() would end the thread, and with it all answers
        outcomes = [RuntimeError(f"the model raised {error!r}")] * len(group)
    for entry, outcome in zip(group, outcomes, strict=True):
        entry.outcome = outcome
    return group
