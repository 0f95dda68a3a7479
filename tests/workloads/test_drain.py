"""A real server process is told to stop while real clients keep asking: nobody notices."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cluster.ports import free_port
from tests.workloads.server_process import start, wait_until_ready

BODY = json.dumps({"inputs": {"a": [1.0], "b": [2.0]}})
HEADERS = {"content-type": "application/json"}
CLIENTS = 8


@dataclass
class Service:
    """What kube-proxy is to clients: where to connect, at the moment of connecting."""

    ports: list[int]
    answered: dict[int, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    is_over: bool = False

    def ask_for_ever(self) -> None:
        """A client with one kept-alive connection, that repeats nothing."""
        connection: http.client.HTTPConnection | None = None
        port = 0
        while not self.is_over:
            if connection is None:
                port = self.ports[0]
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request("POST", "/invocations", BODY, HEADERS)
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                return
            if response.status != 200:
                self.failures.append(str(response.status))
            self.answered[port] = self.answered.get(port, 0) + 1
            if response.will_close:
                connection = None


@pytest.fixture
def servers(mirror: Callable[[str], Path]) -> Iterator[dict[int, subprocess.Popen[bytes]]]:
    ports = [free_port(), free_port()]
    running = {port: start(mirror("doubles"), port) for port in ports}
    try:
        for port in ports:
            wait_until_ready(port)
        yield running
    finally:
        for process in running.values():
            process.kill()
            process.wait()


@pytest.mark.timeout(120)
def test_a_stop_under_load_loses_no_request(servers: dict[int, subprocess.Popen[bytes]]) -> None:
    first, second = servers
    service = Service([first, second])
    clients = [threading.Thread(target=service.ask_for_ever) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        eventually(lambda: service.answered.get(first, 0) > 100)
        servers[first].send_signal(signal.SIGTERM)
        asked_to_stop = time.monotonic()
        eventually(lambda: time.monotonic() - asked_to_stop > 0.3)  # the news takes time to spread
        service.ports = [second]
        assert servers[first].wait(timeout=30) == 0
        stopped_after = time.monotonic() - asked_to_stop
        answered = service.answered.get(second, 0)
        eventually(lambda: service.answered.get(second, 0) > answered + 100)
    finally:
        service.is_over = True
        for client in clients:
            client.join()
    assert service.failures == []
    assert stopped_after >= 1


@pytest.mark.timeout(120)
def test_a_stopping_pod_is_ready_for_a_while_then_not_and_then_gone(
    mirror: Callable[[str], Path],
) -> None:
    port = free_port()
    with start(mirror("doubles"), port, SOLOIST_DRAIN_SECONDS="4") as process:
        wait_until_ready(port)
        process.send_signal(signal.SIGTERM)
        asked_to_stop = time.monotonic()
        seen: dict[int, float] = {}
        while process.poll() is None:
            status = probe(port)
            seen.setdefault(status, time.monotonic() - asked_to_stop)
            time.sleep(0.02)
    assert process.returncode == 0
    assert list(seen)[:2] == [200, 503]
    assert 2 <= seen[503] < 3.5


def probe(port: int) -> int:
    """The status of the readiness page; 0 where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_model_that_cannot_be_loaded_is_one_plain_sentence(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "soloist_workloads.serving"],
        env={
            **os.environ,
            "SOLOIST_MODEL_DIR": str(tmp_path),
            "SOLOIST_MODEL_NAME": "m",
            "SOLOIST_MODEL_VERSION": "3",
            "SOLOIST_PORT": str(free_port()),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert process.returncode == 1
    assert (
        process.stderr.splitlines()[-1]
        == f"There is no model in {tmp_path}: No such file or directory."
    )
