"""What is read out of a gateway's page: the page here is one that Envoy wrote."""

from __future__ import annotations

import math
from pathlib import Path
from textwrap import dedent

import pytest

from soloist.gateway.exposition import parse_lines
from soloist.gateway.readings import Pods, parse_reading

PAGE = (Path(__file__).parent / "page.txt").read_text()


def page(**counts: int) -> str:
    """A page with a few counters: `v7_500=3` is three tries of version 7 that ended in a 500."""
    lines = []
    for name, count in counts.items():
        version, code = name.removeprefix("v").split("_")
        labels = f'version="{version}",rung="champion",code="{code}",flags="-",shadow=""'
        lines.append(f"envoy_soloist_attempts{{{labels}}} {count}")
    return "\n".join(lines) + "\n"


def test_errors_of_a_candidate_show_though_a_retry_hid_them() -> None:
    reading = parse_reading(PAGE)
    assert (reading.attempts("8").requests, reading.attempts("8").errors) == (28, 3)
    assert reading.answers()["candidate", "200"] == 25
    assert ("candidate", "500") not in reading.answers()


def test_who_answered_is_told_by_rung_and_by_version() -> None:
    reading = parse_reading(PAGE)
    assert reading.answers() == {
        ("baseline", "200"): 40,
        ("baseline", "500"): 10,
        ("champion", "200"): 95,
        ("candidate", "200"): 25,
    }
    assert reading.answers_by_version()["1", "baseline"] == 50


def test_times_are_in_milliseconds_and_one_for_each_answer() -> None:
    reading = parse_reading(PAGE)
    took = reading.attempts("8").milliseconds
    assert sum(took.values()) == 28
    assert max(took, key=lambda limit: took[limit]) == pytest.approx(0.44, abs=0.1)
    assert sum(reading.answer_milliseconds().values()) == 170


def test_a_lost_connection_is_an_error_without_a_time() -> None:
    champion = parse_reading(PAGE).attempts("7")
    assert (champion.requests, champion.errors, sum(champion.milliseconds.values())) == (99, 4, 96)


def test_ejected_pods_are_told() -> None:
    reading = parse_reading(PAGE)
    assert reading.pods("8") == Pods(pods=1, healthy=0, ejected=1)
    assert reading.pods("1") == Pods(pods=1, healthy=1, ejected=0)
    assert (reading.ejections("8"), reading.ejections("1")) == (1, 0)
    assert reading.retries() == 43


def test_what_is_live_is_known_by_file() -> None:
    reading = parse_reading(PAGE)
    live = {"cds.json": "ebc22d89fe219b5f", "rds.json": "0fd136d6f110c5f5"}
    assert reading.is_live(live)
    assert not reading.is_live({**live, "cds.json": "other"})


@pytest.mark.parametrize(
    ("code", "flags", "counted"),
    [
        ("200", "-", (5, 0, 0)),
        ("400", "-", (5, 5, 0)),
        ("404", "-", (5, 0, 0)),
        ("503", "-", (5, 5, 0)),
        ("0", "UC", (5, 5, 0)),
        ("504", "UT", (5, 5, 5)),
        ("0", "DC", (0, 0, 0)),
        ("503", "UO", (0, 0, 0)),
    ],
)
def test_what_counts_against_a_version(
    code: str, flags: str, counted: tuple[int, int, int]
) -> None:
    line = f'envoy_soloist_attempts{{version="7",rung="champion",code="{code}",flags="{flags}"}} 5'
    tally = parse_reading(line).attempts("7")
    assert (tally.requests, tally.errors, tally.timeouts) == counted


def test_a_refusal_counts_against_who_was_asked_first() -> None:
    start = 'envoy_soloist_attempts{version="7",rung="champion",code="422",flags="-"'
    tally = parse_reading(f'{start},tries="1"}} 3\n{start},tries="2"}} 4').attempts("7")
    assert (tally.requests, tally.errors) == (7, 3)
    failed = parse_reading(f'{start},tries="2",failed="true"}} 4').attempts("7")
    assert failed.errors == 4, "a model that fails does so at every try"


def test_a_shadow_is_counted_apart() -> None:
    text = """
        envoy_soloist_attempts{version="8",rung="candidate",code="200",flags="-",shadow="true"} 7
        envoy_soloist_attempts{version="8",rung="candidate",code="500",flags="-",shadow="true"} 2
        envoy_soloist_attempt_us_bucket{version="8",rung="candidate",shadow="true",le="10000"} 6
        envoy_soloist_attempt_us_bucket{version="8",rung="candidate",shadow="true",le="20000"} 9
        envoy_soloist_attempt_us_bucket{version="8",rung="candidate",shadow="true",le="+Inf"} 9
    """
    reading = parse_reading(dedent(text))
    shadow = reading.shadow("8")
    assert (shadow.requests, shadow.errors) == (9, 2)
    assert shadow.milliseconds == {10.0: 6, 20.0: 3, math.inf: 0}
    assert reading.attempts("8").requests == 0


def test_a_version_that_stood_on_two_rungs_has_the_times_of_both() -> None:
    """Promoted, rolled back and tried again: each rung has buckets of its own, which count up from their own first."""
    bucket = 'envoy_soloist_attempt_us_bucket{{version="8",rung="{}",shadow="",le="{}"}} {}'
    lines = [
        bucket.format(rung, limit, count)
        for rung, counts in (("candidate", (20, 30)), ("champion", (4, 5)), ("previous", (0, 1)))
        for limit, count in zip(("10000", "+Inf"), counts, strict=True)
    ]
    took = parse_reading("\n".join(lines)).attempts("8").milliseconds
    assert took == {10.0: 24, math.inf: 12}


def test_a_page_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    lines = list(parse_lines('a{b="c\\"d"} 3\n# TYPE x gauge\nenvoy_x{y="z'))
    assert [(one.name, one.labels, one.value) for one in lines] == [("a", {"b": 'c"d'}, 3.0)]
