"""Whether a model's graph is taken, and why: one small file beside the model, and one line for the operator."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

FORM = "onnx"
MARK = "soloist-optimized: "
"""Begins the line that the operator reads from the end of the init container."""

LONGEST_REASON = 600


class NotTaken(Exception):
    """The graph isn't taken; the message is the reason, in a sentence. `rows` and `worst` where it came to a comparison."""

    def __init__(self, reason: str, *, rows: int = 0, worst: float = 0.0) -> None:
        super().__init__(reason)
        self.rows = rows
        self.worst = worst


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """How the model itself answers, so that its graph's answers get the same form."""

    entered: str
    """Number type that the graph takes."""
    output: str
    """Name of the graph's output that is the answer."""
    dtype: str
    shape: tuple[int, ...]
    """Of a row's answer."""


@dataclass(frozen=True, slots=True)
class Verdict:
    taken: bool
    message: str
    rows: int = 0
    """Held-out rows that were compared."""
    worst: float = 0.0
    """Largest difference among all rows."""
    graph: str = ""
    """File of the graph, beside the verdict."""
    form: AnswerForm | None = None
    tried_bytes: int = 0
    """Memory that an attempt had which failed for want of it, perhaps: with more, it is made again. 0 where it is settled."""

    def holds(self, share: int) -> bool:
        return not self.tried_bytes or share <= self.tried_bytes

    def told(self) -> str:
        said = {
            "form": FORM,
            "taken": self.taken,
            "rows": self.rows,
            "message": self.message,
        }
        return MARK + json.dumps(said)


def not_taken(reason: str, *, tried_bytes: int = 0, rows: int = 0, worst: float = 0.0) -> Verdict:
    text = " ".join(reason.split())[:LONGEST_REASON]
    return Verdict(taken=False, message=text, rows=rows, worst=worst, tried_bytes=tried_bytes)


def folder_of(model: Path) -> Path:
    """Beside the model's own folder, never in it: what lies in there was written by whoever logged the model."""
    return model.with_name(f"{model.name}.{FORM}")


def file_of(folder: Path) -> Path:
    return folder / "verdict.json"


def dump(verdict: Verdict) -> str:
    return json.dumps(asdict(verdict), indent=1)


def read(folder: Path) -> Verdict | None:
    """None where there is none that can be read: it is found anew then."""
    try:
        found = json.loads(file_of(folder).read_text())
        form = found.pop("form")
        known = {field.name for field in fields(Verdict)}
        if not known >= found.keys():
            return None
        return Verdict(**found, form=_form(form) if form else None)
    except (OSError, ValueError, TypeError, AttributeError, LookupError):
        return None


def _form(found: dict[str, object]) -> AnswerForm:
    shape = found["shape"]
    if not isinstance(shape, list):
        raise TypeError("shape is no list")
    return AnswerForm(
        entered=str(found["entered"]),
        output=str(found["output"]),
        dtype=str(found["dtype"]),
        shape=tuple(int(length) for length in shape),
    )
