"""The examples: rendered as kubectl renders them, and the join that the flights go through."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import yaml

EXAMPLES = Path(__file__).resolve().parents[2] / "workloads" / "examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if (path / "kustomization.yaml").exists())


def render(folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        ["kubectl", "kustomize", folder], capture_output=True, text=True, check=True
    )
    return {document["kind"]: document for document in yaml.safe_load_all(done.stdout)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl renders them")
def test_the_project_names_its_code_by_hash(name: str) -> None:
    rendered = render(EXAMPLES / name)
    source = rendered["Project"]["spec"]["source"]["configMap"]
    assert source == rendered["ConfigMap"]["metadata"]["name"]
    assert re.fullmatch(rf"{name}-code-[a-z0-9]{{10}}", source)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl renders them")
def test_an_edit_of_the_code_changes_the_project(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "minimal", tmp_path / "minimal")
    before = render(tmp_path / "minimal")["Project"]
    (tmp_path / "minimal" / "train.py").write_text("print()")
    assert render(tmp_path / "minimal")["Project"] != before


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl renders them")
def test_every_script_that_a_step_runs_is_packed(name: str) -> None:
    rendered = render(EXAMPLES / name)
    commands = [step["command"] for step in rendered["Project"]["spec"]["pipeline"]["steps"]]
    scripts = {word for command in commands for word in command.split() if word.endswith(".py")}
    assert scripts <= rendered["ConfigMap"]["data"].keys()


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setenv("SOLOIST_RUN_STORAGE", str(tmp_path))
    spec = importlib.util.spec_from_file_location(
        "prepare", EXAMPLES / "flight-delays" / "prepare.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_weather_is_that_of_the_hour_in_utc(prepare: Any) -> None:
    """3 November 2013, 01:00 in New York: the clock shows it twice, an hour apart."""
    hours = pd.to_datetime(["2013-11-03T05:00:00Z", "2013-11-03T06:00:00Z"])
    weather = pd.DataFrame({"origin": ["JFK", "JFK"], "time_hour": hours, "temp": [50.0, 40.0]})
    planes = pd.DataFrame({"tailnum": ["N1"], "plane_year": [1999]})
    flights = pd.DataFrame(
        {
            "month": 11,
            "day": 3,
            "sched_dep_time": [130, 2359],
            "sched_arr_time": [300, 15],
            "arr_delay": [5.0, None],
            "carrier": "B6",
            "tailnum": ["N1", "N2"],
            "origin": "JFK",
            "dest": "FLL",
            "distance": 1069,
            "time_hour": hours[1],
        }
    )
    joined = prepare.Join(weather, planes)(pa.Table.from_pandas(flights))
    assert joined.to_dict("records") == [
        {
            "month": 11,
            "arr_delay": 5.0,
            "carrier": "B6",
            "origin": "JFK",
            "dest": "FLL",
            "distance": 1069,
            "temp": 40.0,
            "plane_year": 1999.0,
            "weekday": 6,
            "departure_minute": 90,
            "scheduled_minutes": 90,
        }
    ]


def test_nothing_that_is_known_only_afterwards_is_read(prepare: Any) -> None:
    afterwards = {"dep_time", "dep_delay", "arr_time", "air_time", "year"}
    assert afterwards.isdisjoint(prepare.FLIGHTS)


def test_the_request_has_the_columns_that_are_learned_from() -> None:
    (row,) = json.loads((EXAMPLES / "flight-delays" / "request.json").read_text())[
        "dataframe_records"
    ]
    program = (EXAMPLES / "flight-delays" / "train.py").read_text()
    texts, numbers = (
        re.findall(r'"(\w+)"', re.search(rf"{name} = \[(.*?)\]", program, re.DOTALL)[1])  # type: ignore[index] # it is there
        for name in ("TEXTS", "NUMBERS")
    )
    assert list(row) == texts + numbers
