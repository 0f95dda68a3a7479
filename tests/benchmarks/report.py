"""Samples to medians, and medians to a page: JSON for machines, Markdown for people, a plot drawn by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from statistics import median
from typing import Any

Samples = Sequence[dict[str, Any]]

MODELS = {
    "logistic": "LogisticRegression",
    "forest": "RandomForest of 100 trees",
    "onnx": "LogisticRegression as ONNX",
}
# Cores that something else used before the run; beyond this it was not alone.
QUIET_CORES = 0.2
ROW, LEFT, WIDE = 22, 250, 420


def write_report(samples: Samples, *, about: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(
        json.dumps({"about": about, "samples": samples}, indent=1) + "\n"
    )
    (folder / "results.md").write_text(render_page(samples, about))
    (folder / "cpu.svg").write_text(render_plot(samples))


def render_page(samples: Samples, about: dict[str, Any]) -> str:
    parts = [_introduction(about)]
    for model, title in MODELS.items():
        rows = [one for one in samples if one["model"] == model and one["load"] != "none"]
        if rows:
            parts.append(f"## {title}\n\n{_table(rows)}")
    problems = {
        f"- {one['server']}, {one['model']}: {one['problem'].splitlines()[0]}"
        for one in samples
        if "problem" in one
    }
    if problems:
        parts.append("## Not measured\n\n" + "\n".join(sorted(problems)))
    return "\n\n".join(parts) + "\n"


def _introduction(about: dict[str, Any]) -> str:
    busy = about["busy"] > QUIET_CORES or about["repeats"] < 3
    warning = (
        f"**Not a result yet:** {about['repeats']} run of {about['seconds']} s, on a machine that did other things "
        f"({about['busy']} cores' worth of them). It shows that the benchmark works; run it again on a quiet machine before "
        "quoting anything. Until then only CPU per request says something.\n\n"
    )
    return (
        "# Serving, beside other servers\n\n"
        f"{warning if busy else ''}"
        f"`{about['command']}`, {about['day']}, {about['cores']} cores, Python {about['python']}. Iris, one row per request. Each "
        f"server has one core, its load another; medians of {about['repeats']} repeats, in which servers took turns. All servers gave the same labels before they were measured. "
        "CPU is what all of a server's processes spent, by `/proc`, per answered request: the figure that a busy "
        "machine distorts least. *Ratio* is a server's CPU at c=64 over that of the first row. *Overload* sends, by "
        "the clock, twice what the server could do at its best: the share of that best that was still answered "
        "well, and how long a refusal (503) took from being sent, at the median and the 99th percentile.\n\n"
        "![CPU per request](cpu.svg)"
    )


def _table(rows: Samples) -> str:
    lines = [
        "| server | requests/s, c=64 | CPU µs, c=64 | ratio | p50 ms, c=1 | p99 ms at 1,000/s | overload | failed | start s | memory MB |",
        "| --- | --: | --: | --: | --: | --: | --- | --: | --: | --: |",
    ]
    first: float | None = None
    for server in dict.fromkeys(one["server"] for one in rows):
        own = [one for one in rows if one["server"] == server]
        cpu = _median(own, "c=64", "cpu_us")
        first = first or cpu
        share, usual, late = (
            _median(own, "open at twice its best", key)
            for key in ("share_of_best", "p50_refusal_ms", "p99_refusal_ms")
        )
        failed = sum(one["failed"] for one in own)
        lines.append(
            f"| {server} | {_median(own, 'c=64', 'per_second'):,.0f} | {cpu:,.0f} | {cpu / first:.1f} "
            f"| {_median(own, 'c=1', 'p50_ms'):.2f} | {_median(own, 'open 1,000/s', 'p99_ms'):,.1f} "
            f"| {share:.0%}, {usual:,.0f}/{late:,.0f} ms | {failed:,} | {_median(own, 'c=1', 'start_s'):.1f} "
            f"| {_median(own, 'c=64', 'memory_bytes') / 1e6:,.0f} |"
        )
    return "\n".join(lines)


def _median(rows: Samples, load: str, key: str) -> float:
    values = [one[key] for one in rows if one["load"] == load]
    return float(median(values)) if values else 0.0


def render_plot(samples: Samples) -> str:
    """Bars of CPU per request at c=64, a group per model; text, so that a change of it can be read in a diff."""
    bars: list[str] = []
    y = 10
    for model, title in MODELS.items():
        rows = [one for one in samples if one["model"] == model and one["load"] == "c=64"]
        if not rows:
            continue
        costs = {
            server: _median([one for one in rows if one["server"] == server], "c=64", "cpu_us")
            for server in dict.fromkeys(one["server"] for one in rows)
        }
        y += ROW
        bars.append(
            f'<text x="4" y="{y}" font-weight="bold">{escape(title)}: CPU µs per request, c=64</text>'
        )
        for server, cost in costs.items():
            y += ROW
            width = max(1.0, cost / max(costs.values()) * WIDE)
            color = "#2a6f97" if server.startswith("soloist") else "#b8b8b8"
            bars.append(
                f'<text x="{LEFT - 6}" y="{y}" text-anchor="end">{escape(server)}</text>'
                f'<rect x="{LEFT}" y="{y - 12}" width="{width:.0f}" height="15" fill="{color}"/>'
                f'<text x="{LEFT + width + 5:.0f}" y="{y}">{cost:,.0f}</text>'
            )
        y += ROW // 2
    body = "\n".join(bars)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDE + 80}" height="{y + 14}" '
        f'font-family="sans-serif" font-size="13">\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )
