"""The gateway's files are those that were reviewed, and Envoy itself takes them; `UPDATE_GOLDEN=1` writes them anew."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from soloist.gateway.files import args, files
from tests.support.envoy import complaint
from tests.support.gateway_plans import PLANS, in_folder

GOLDEN = Path(__file__).parent / "gateway"
EVERY = pytest.mark.parametrize("name", PLANS)


def golden(name: str) -> Mapping[str, str]:
    return {path.name: path.read_text() for path in sorted((GOLDEN / name).glob("*.json"))}


@EVERY
def test_the_files_are_as_expected(name: str) -> None:
    written = files(PLANS[name])
    if os.environ.get("UPDATE_GOLDEN"):
        (GOLDEN / name).mkdir(exist_ok=True)
        for file, text in written.items():
            (GOLDEN / name / file).write_text(text)
    assert written == golden(name)


@EVERY
def test_envoy_takes_them(name: str, tmp_path: Path) -> None:
    plan = in_folder(PLANS[name], tmp_path)
    assert complaint(files(plan), tmp_path) is None


def test_the_check_finds_a_mistake(tmp_path: Path) -> None:
    """Or else the test above says nothing."""
    written = dict(files(in_folder(PLANS["ladder"], tmp_path)))
    for file, right in (("cds.json", "LEAST_REQUEST"), ("rds.json", "weighted_clusters")):
        wrong = {**written, file: written[file].replace(right, "nonsense")}
        assert complaint(wrong, tmp_path) is not None, file


@EVERY
def test_every_plan_has_the_same_files(name: str) -> None:
    """A name that is new in a mounted folder comes after the content that speaks of it."""
    assert files(PLANS[name]).keys() == files(PLANS["ladder"]).keys()


def test_every_folder_is_a_plan() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(PLANS)


def test_it_is_started_with_one_worker_and_a_drain_longer_than_a_request() -> None:
    assert args(PLANS["ladder"]) == (
        *("--config-path", "/etc/soloist/gateway/bootstrap.json"),
        *("--concurrency", "1"),
        *("--drain-strategy", "immediate"),
        *("--drain-time-s", "20"),
        *("--log-level", "warning"),
        "--disable-hot-restart",
    )
