"""The text format of Prometheus, as far as Envoy writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Line:
    """One value."""

    name: str
    labels: Mapping[str, str]
    value: float


def parse_lines(text: str) -> Iterator[Line]:
    """Every value of the page. What is no value is passed over: a page that was cut off is read as far as it goes."""
    for line in text.splitlines():
        found = LINE.match(line)
        if found is None:
            continue
        name, labels, value = found.groups()
        try:
            yield Line(name, parse_labels(labels or ""), float(value))
        except ValueError:
            continue


def parse_labels(text: str) -> Mapping[str, str]:
    return {name: ESCAPED.sub(_unescape, value) for name, value in LABEL.findall(text)}


def _unescape(found: re.Match[str]) -> str:
    return "\n" if found.group(1) == "n" else found.group(1)
