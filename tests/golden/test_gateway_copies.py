"""What the real Envoy writes on a shadow's copies, and what it takes from clients who would write it themselves."""

from __future__ import annotations

import http.client
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from soloist.gateway.files import args
from soloist.gateway.plan import Place
from tests.cluster.ports import free_ports
from tests.support.envoy import envoy
from tests.support.gateway_plans import CANDIDATE, CHAMPION, PLANS, in_folder

FORGED = {
    "x-soloist-shadow": "true",
    "x-soloist-champion": "10.0.0.1:22",
    "x-soloist-comparison": "true",
    "x-traveller-id": "ada",
}


class Pod(ThreadingHTTPServer):
    """Is well, answers everything, and remembers with which headers it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        assert isinstance(self.server, Pod)
        self.server.asked.append({key.lower(): value for key, value in self.headers.items()})
        self._answer()

    def _answer(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def pod() -> Iterator[Pod]:
    server = Pod()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.timeout(60)
def test_only_copies_are_marked_and_only_by_the_gateway(tmp_path: Path) -> None:
    client, stats, admin = free_ports(3)
    with pod() as champion, pod() as candidate:
        local = Place(
            address="127.0.0.1",
            port=client,
            stats_port=stats,
            admin_port=admin,
            folder=str(tmp_path),
        )
        plan = in_folder(
            replace(
                PLANS["shadow"],
                champion=replace(CHAMPION, host="127.0.0.1", port=champion.server_port),
                candidate=replace(CANDIDATE, host="127.0.0.1", port=candidate.server_port),
                fallbacks=(),
                shadow_percent=100,
                place=local,
            ),
            tmp_path,
        )

        def ask() -> int:
            connection = http.client.HTTPConnection("127.0.0.1", client, timeout=5)
            try:
                connection.request("POST", "/invocations", b"{}", FORGED)
                return connection.getresponse().status
            except OSError:
                return 0
            finally:
                connection.close()

        with subprocess.Popen([envoy(), *args(plan)]) as gateway:
            try:
                eventually(lambda: ask() == 200 and bool(candidate.asked))
            finally:
                gateway.kill()
    assert champion.asked
    for headers in champion.asked:
        assert headers["x-traveller-id"] == "ada"
        assert not [name for name in headers if name.startswith("x-soloist-")]
    for headers in candidate.asked:
        assert headers["x-soloist-shadow"] == "true"
        assert headers["x-soloist-champion"] == f"127.0.0.1:{champion.server_port}"
        assert "x-soloist-comparison" not in headers
