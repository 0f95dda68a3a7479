"""The server as a process of its own, as a pod runs it."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.ports import free_port


def start(model: Path, port: int, **more: str) -> subprocess.Popen[bytes]:
    env = {
        **os.environ,
        "SOLOIST_MODEL_DIR": str(model),
        "SOLOIST_MODEL_NAME": "m",
        "SOLOIST_MODEL_VERSION": "3",
        "SOLOIST_PORT": str(port),
        "SOLOIST_ALLOW_PICKLE": "1",  # the mirror is a class of its own
        "SOLOIST_DRAIN_SECONDS": "1",
        **more,
    }
    return subprocess.Popen([sys.executable, "-m", "soloist_workloads.serving"], env=env)


def wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/v2/health/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.02)
    pytest.fail("the server never became ready")


@contextlib.contextmanager
def serving(model: Path) -> Iterator[int]:
    """The port of a ready server."""
    port = free_port()
    process = start(model, port)
    try:
        wait_until_ready(port)
        yield port
    finally:
        process.kill()
        process.wait()
