"""What was measured, as JSON for machines and a table for people."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "docs" / "benchmarks"
NAME = "endurance"


@dataclass(frozen=True, slots=True)
class Line:
    """One run of one case."""

    case: str
    sent: int
    failed: int
    harmed: int
    """Requests that a bad version answered, or nobody."""
    p50_ms: float
    p99_ms: float
    longest_gap_seconds: float
    """The longest time in which no request was answered well."""
    notes: str
    """What was promised in seconds, as measured."""
    failures: list[str] = field(default_factory=list)
    """The first of them, as the client saw them."""


@dataclass
class Results:
    """Filled by one case."""

    lines: list[Line] = field(default_factory=list)


def add(lines: list[Line], folder: Path) -> None:
    """To what is there already."""
    if not lines:
        return
    file = folder / f"{NAME}.json"
    known: list[dict[str, Any]] = json.loads(file.read_text())["lines"] if file.exists() else []
    known += [asdict(line) for line in lines]
    about = {
        "command": "make endurance",
        "day": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "lines": known,
    }
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(about, indent=1) + "\n")
    (folder / f"{NAME}.md").write_text(render(about))


def render(about: dict[str, Any]) -> str:
    """The page: a row for each case, all of its runs together."""
    lines = [Line(**one) for one in about["lines"]]
    rows = [_row(case, [one for one in lines if one.case == case]) for case in _cases(lines)]
    return (
        "# Endpoints under load, while something happens\n\n"
        f"`{about['command']}`, {about['day']}, {about['cores']} cores with everything on them: the cluster, the load, the gateways and the "
        "model. Open loop (requests start by the clock), keep-alive connections, no retries by the client. *Harmed* are requests "
        "that nobody answered well, and those that a bad version answered. The longest gap is the longest time without a good answer to "
        "any request. Of several runs: sums of the requests, the worst of the times.\n\n"
        "| case | runs | requests | failed | harmed | p50 ms | p99 ms | longest gap s | measured |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
    )


def _cases(lines: list[Line]) -> list[str]:
    return list(dict.fromkeys(line.case for line in lines))


def _row(case: str, lines: list[Line]) -> str:
    sent = sum(line.sent for line in lines)
    harmed = sum(line.harmed for line in lines)
    share = f"{100 * harmed / sent:.2f} %" if harmed else "0"
    p50, p99 = max(line.p50_ms for line in lines), max(line.p99_ms for line in lines)
    notes = "; ".join(dict.fromkeys(line.notes for line in lines if line.notes))
    failed = sum(line.failed for line in lines)
    gap = max(line.longest_gap_seconds for line in lines)
    return f"| {case} | {len(lines)} | {sent:,} | {failed} | {share} | {p50} | {p99} | {gap} | {notes} |"
