"""The one sentence a pod leaves when it gives up: on standard error, and where Kubernetes keeps it in status."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

TERMINATION_LOG = Path("/dev/termination-log")
LONGEST_MESSAGE_BYTES = 4096  # the kubelet's own bound


def leave_last_words(sentence: str, termination_log: Path = TERMINATION_LOG) -> None:
    line = " ".join(sentence.split())
    print(line, file=sys.stderr, flush=True)
    if not termination_log.exists():
        return
    with contextlib.suppress(OSError):  # a read-only mount: the log line is all there is
        termination_log.write_bytes(line.encode()[:LONGEST_MESSAGE_BYTES])
