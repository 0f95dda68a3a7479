"""What the operator's log says, and how often."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

LACKS = "Unresolved resources cannot be served (try creating their CRDs): {}"


def logged(what: str) -> list[dict[str, Any]]:
    """In a process of its own: a log belongs to a whole process."""
    program = f"import logging; from soloist.logs import set_up_logs; set_up_logs('INFO'); {what}"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_what_kopf_repeats_is_told_when_it_changes() -> None:
    kinds = ("httproutes", "httproutes", "rayjobs", "rayjobs", "httproutes")
    logger = "logging.getLogger('kopf._core.reactor.observation')"
    lines = logged(f"[{logger}.warning({LACKS!r}.format(kind)) for kind in {kinds}]")
    wanted = [LACKS.format(kind) for kind in ("httproutes", "rayjobs", "httproutes")]
    assert [line["message"] for line in lines] == wanted


def test_what_varies_is_a_field() -> None:
    (line,) = logged("logging.getLogger('a').info('wrote a child', extra={'verb': 'create'})")
    assert (line["message"], line["verb"], line["logger"]) == ("wrote a child", "create", "a")
