"""What is written into a field is read the same by the operator as by the API server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from cronsim import CronSim
from hypothesis import given
from pydantic import TypeAdapter, ValidationError

from soloist.api import cron
from soloist.api.fields import (
    Cpu,
    Duration,
    EnvName,
    Image,
    Memory,
    ModelName,
    ObjectName,
    Quantity,
    Size,
)
from soloist.api.forms import Form
from soloist.api.v1alpha1.parts import GitPath, GitRef, GitUrl, S3Uri
from soloist.api.v1alpha1.pipeline import Command, StepName, TimeZone
from tests.support.any_spec import SCHEDULE

GOOD = [
    (Cpu, "1"), (Cpu, "0.5"), (Cpu, "10m"), (Cpu, 2), (Cpu, 0.25),
    (Memory, "64Mi"), (Memory, "1.5Gi"), (Memory, "2G"), (Memory, 2**30),
    (Size, "1Mi"), (Size, "2Ti"), (Quantity, "500m"),
    (Duration, "1h30m"), (Duration, "250ms"), (Duration, "2d"),
    (ObjectName, "code-5d2k8.v1"), (EnvName, "_A1"), (Image, "localhost:5000/a/b:1@sha256:00"),
    (ModelName, "Flight delays (NYC)"), (ModelName, "demo.flights"),
    (GitUrl, "https://ada@git.example.com:8443/a/b.git"), (GitUrl, "git://example.com/x"),
    (GitRef, "HEAD"), (GitRef, "release/2.1"), (GitRef, "refs/tags/v1"),
    (GitPath, ""), (GitPath, "."), (GitPath, "a/b"), (GitPath, ".hidden/..a/"), (GitPath, "./a"),
    (S3Uri, "s3://bucket"), (S3Uri, "s3://bucket/a/b"),
    (Command, "set -e\npython train.py\n"), (StepName, "a"), (TimeZone, "Etc/GMT+3"), (TimeZone, "UTC"),
]  # fmt: skip
BAD = [
    (Cpu, "1Gi"), (Cpu, "9m"), (Cpu, 0), (Cpu, True), (Cpu, "-1"), (Memory, "2"), (Memory, "2GB"), (Memory, "64M"),
    (Size, 0), (Size, "1Ki"), (Quantity, "lots"), (Duration, "0s"), (Duration, "1"), (Duration, "1 h"), (Duration, "1h\n"),
    (ObjectName, "-a"), (ObjectName, "A"), (EnvName, "1A"), (EnvName, "A-B"), (EnvName, "A" * 129), (Image, " a"),
    (ModelName, ""), (ModelName, "a/b"), (ModelName, "a:1"), (ModelName, ".."), (ModelName, "a\nb"),
    (GitUrl, "ssh://git@example.com/x"), (GitUrl, "git@example.com:x"), (GitUrl, "https://a:b@example.com/x"),
    (GitUrl, "https://"), (GitRef, "-x"), (GitRef, "a b"), (GitRef, ""), (GitRef, "a..b:c"),
    (GitPath, "/a"), (GitPath, ".."), (GitPath, "a/.."), (GitPath, "a/../b"), (GitPath, "a//b"),
    (S3Uri, "s3://"), (S3Uri, "https://bucket"), (Command, ""), (Command, " \n"), (StepName, "a_b"), (StepName, "a" * 31),
    (TimeZone, "New York"), (TimeZone, "/etc/localtime"), (TimeZone, "../UTC"),
]  # fmt: skip


def names(cases: Sequence[tuple[Any, object]]) -> list[str]:
    """The same in every process: a form's own text holds addresses."""
    return [f"{number} {text!r}" for number, (_, text) in enumerate(cases)]


@pytest.mark.parametrize(("form", "text"), GOOD, ids=names(GOOD))
def test_what_is_well_formed_is_taken(form: Any, text: object) -> None:
    assert TypeAdapter[str](form).validate_python(text) == str(text)


@pytest.mark.parametrize(("form", "text"), BAD, ids=names(BAD))
def test_what_is_not_is_refused(form: Any, text: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[str](form).validate_python(text)


def test_the_operator_says_the_sentence_that_the_api_server_says() -> None:
    form = Form("a colour: write red or blue", ("^(red|blue)$",))
    with pytest.raises(ValueError, match=r"^'green' is not a colour: write red or blue$"):
        form.check("green")
    assert form.rule().expression == "\"'%s' is not a colour: write red or blue\".format([self])"


def test_a_pattern_that_cel_could_not_quote_is_refused() -> None:
    with pytest.raises(ValueError, match="quote"):
        Form("it", ("'",)).rule()


SCHEDULES = [
    "* * * * *", "0 3 * * *", "*/15 6-22 1,15,L * MON-FRI", "59 23 31 12 7", "0 0 LW * *", "0 0 * * 5L", "0 0 * jan-mar 1#2",
    "0  3  *  *  *", "05 03 01 01 07", "1-5/2,7 * * * *",
]  # fmt: skip
NO_SCHEDULES = [
    "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *", "* * * * 8",
    "*/0 * * * *", "a * * * *", "* * * FOO *", "* * * * MONDAY", "1- * * * *", ",1 * * * *", "1,, * * * *", "@noon", "@ daily",
    " * * * * *", "* * * * 1#6", "* L * * *", "0 3 * * *\n",
]  # fmt: skip


def is_cron(text: str) -> bool:
    try:
        cron.FORM.check(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("text", [*SCHEDULES, *cron.WORDS.values()])
def test_a_schedule_that_is_taken_can_be_computed(text: str) -> None:
    assert is_cron(text)
    CronSim(text, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("word", cron.WORDS)
def test_the_words_of_cron_are_taken(word: str) -> None:
    assert is_cron(word)


@pytest.mark.parametrize("text", NO_SCHEDULES)
def test_what_is_no_cron_expression_is_refused(text: str) -> None:
    assert not is_cron(text)


@given(SCHEDULE)
def test_every_list_of_values_ranges_and_steps_within_bounds_is_taken(text: str) -> None:
    assert is_cron(text)
