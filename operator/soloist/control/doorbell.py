"""Objects at rest that somebody may call: a page of theirs is asked each second, and only when it rings are they looked at.

A look at an object costs a dozen reads of the API server; the page is a number. So what sleeps costs next to nothing, and
wakes within a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from soloist.core.objects import Key

EVERY = timedelta(seconds=1)
SILENCE = ("", "0")


Ask = Callable[[str], Awaitable[str]]


class Doorbell:
    """The doors to listen at, as the last look at each object left them; gone with the process."""

    def __init__(self) -> None:
        self._doors: dict[Key, tuple[str, ...]] = {}

    def hang(self, key: Key, doors: tuple[str, ...]) -> None:
        """From now on these addresses ring for the object; none takes its bell down."""
        if doors:
            self._doors[key] = doors
        else:
            self._doors.pop(key, None)

    async def listen(self, ask: Ask, wake: Callable[[Key], None], every: timedelta = EVERY) -> None:
        """For ever: whoever is called is woken."""
        while True:
            await asyncio.sleep(every.total_seconds())
            await self.ring(ask, wake)

    async def ring(self, ask: Ask, wake: Callable[[Key], None]) -> None:
        """Every door once."""
        doors = [(key, url) for key, urls in self._doors.items() for url in urls]
        said = await asyncio.gather(*(ask(url) for _, url in doors))
        called = [key for (key, _), text in zip(doors, said, strict=True) if _rings(text)]
        for key in dict.fromkeys(called):
            wake(key)


def _rings(text: str) -> bool:
    return text.strip() not in SILENCE
