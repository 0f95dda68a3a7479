"""Objects at rest are woken by their pages, and cost nothing else."""

from __future__ import annotations

from soloist.control.doorbell import Doorbell
from soloist.core.objects import Key

ONE, OTHER = Key("ModelEndpoint", "demo", "one"), Key("ModelEndpoint", "demo", "other")


class Pages:
    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.asked: list[str] = []

    async def get(self, url: str) -> str:
        self.asked.append(url)
        return self.texts.get(url, "")


async def rung(bell: Doorbell, pages: Pages) -> list[Key]:
    woken: list[Key] = []
    await bell.ring(pages.get, woken.append)
    return woken


async def test_who_is_called_is_woken_once() -> None:
    bell, pages = Doorbell(), Pages(a="0", b="3", c="1\n", d="0")
    bell.hang(ONE, ("a", "b", "c"))
    bell.hang(OTHER, ("d", "silent"))
    assert await rung(bell, pages) == [ONE]
    assert sorted(pages.asked) == ["a", "b", "c", "d", "silent"]


async def test_a_bell_that_was_taken_down_is_not_asked() -> None:
    bell, pages = Doorbell(), Pages(a="1")
    bell.hang(ONE, ("a",))
    bell.hang(ONE, ())
    bell.hang(OTHER, ())
    assert await rung(bell, pages) == []
    assert pages.asked == []
