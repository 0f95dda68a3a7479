"""A step's output, copied line by line to everyone who reads it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import IO, BinaryIO

from soloist_workloads.step.outcome import RAY_OUT_OF_MEMORY

POD_LOG = Path("/proc/1/fd/1")
LONGEST_LINE_BYTES = 64 * 1024

# The whole file is uploaded again while it grows, so it is bounded: at the cap its older half is dropped,
# because people read the end of a log first.
LOG_CAP_BYTES = 32 * 1024 * 1024
CUT_NOTICE = b"[soloist: the log passed 32 MiB; earlier lines were dropped here]\n"


class LogFile:
    """The file that becomes the MLflow artifact; one writer, read by the uploader."""

    def __init__(self, path: Path, *, cap_bytes: int = LOG_CAP_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._cap_bytes = cap_bytes
        self._size = 0
        self._lock = threading.Lock()
        self._file = path.open("w+b", buffering=0)

    def write(self, line: bytes) -> None:
        with self._lock:
            if self._size + len(line) > self._cap_bytes:
                self._drop_older_half()
            self._file.write(line)
            self._size += len(line)

    def read(self) -> bytes:
        with self._lock:
            return self.path.read_bytes()

    def _drop_older_half(self) -> None:
        self._file.seek(-min(self._size, self._cap_bytes // 2), 2)
        kept = self._file.read().partition(b"\n")[2]
        self._file.seek(0)
        self._file.truncate()
        self._file.write(CUT_NOTICE + kept)
        self._size = len(CUT_NOTICE) + len(kept)


def open_pod_log(path: Path = POD_LOG) -> BinaryIO | None:
    """The container's own output, so that `kubectl logs` follows the step; None where it isn't ours."""
    try:
        return path.open("wb", buffering=0)
    except OSError:
        return None


class Tee:
    """Copies a pipe to the job's output, the pod's log and the log file until the pipe closes."""

    def __init__(
        self, step: str, *, stdout: BinaryIO, pod_log: BinaryIO | None, file: LogFile
    ) -> None:
        self._prefix = f"{step} | ".encode()
        self._stdout = stdout
        self._pod_log = pod_log
        self._file = file
        self._thread: threading.Thread | None = None
        self.saw_ray_out_of_memory = False

    def start(self, pipe: IO[bytes]) -> None:
        self._thread = threading.Thread(target=self._pump, args=(pipe,), name="tee", daemon=True)
        self._thread.start()

    def finish(self, *, within_seconds: float) -> None:
        """Wait for the rest of the output; a background process that keeps the pipe open doesn't count."""
        if self._thread is not None:
            self._thread.join(within_seconds)

    def say(self, line: str) -> None:
        """Add a line of the runner's own."""
        self._write(line.encode() + b"\n")

    def repeat(self, said: bytes) -> None:
        """Say again what an earlier process of this step said."""
        for line in said.splitlines(keepends=True):
            self._write(line)

    def said(self) -> bytes:
        """Everything so far, as far as the log file keeps it."""
        return self._file.read()

    def _pump(self, pipe: IO[bytes]) -> None:
        while line := pipe.readline(LONGEST_LINE_BYTES):
            self._write(line)
            if RAY_OUT_OF_MEMORY in line:
                self.saw_ray_out_of_memory = True

    def _write(self, line: bytes) -> None:
        self._stdout.write(line)
        self._stdout.flush()
        self._file.write(line)
        if self._pod_log is None:
            return
        try:
            self._pod_log.write(self._prefix + line)
        except OSError:
            self._pod_log = None  # the pod's log went away; the step goes on
