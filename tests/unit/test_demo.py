"""The demo waits for the newest version, and for nothing else."""

from __future__ import annotations

from typing import cast

import pytest

from demo.commands import Commands
from demo.progress import Word, is_settled, parse_word

SERVING = Word("2", "Serving", "flight-delays-2", "Succeeded", "2", "Serving v2.")


class Recorded:
    """A kubectl that knows which version the newest Run made."""

    def __init__(self, version: str) -> None:
        self._version = version

    def __call__(self, *words: str, why: str) -> str:
        return self._version


@pytest.mark.parametrize(
    ("word", "made", "settled"),
    [
        pytest.param(SERVING, "2", True, id="the newest version is served"),
        pytest.param(SERVING, "3", False, id="a newer version is on its way"),
        pytest.param(SERVING, "", True, id="the newest run made no version"),
        pytest.param(Word("2", "Serving", "r", "Running", "2", ""), "", False, id="a run goes on"),
        pytest.param(
            Word("1", "Deploying", "r", "Succeeded", "", ""), "1", False, id="not served yet"
        ),
    ],
)
def test_the_demo_ends_when_what_the_newest_run_made_is_served(
    word: Word, made: str, settled: bool
) -> None:
    assert is_settled(cast(Commands, Recorded(made)), word) is settled


def test_a_summary_may_hold_the_separator() -> None:
    word = parse_word("1|Running|r|Running||a | b\n")
    assert word is not None
    assert (word.served, word.summary) == ("", "a | b")


def test_the_rest_of_a_summary_of_several_lines_is_no_state() -> None:
    assert parse_word("its second line") is None
