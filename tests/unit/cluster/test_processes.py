"""Processes are known by id and start time, and only those that we started are ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import processes
from tests.cluster.layout import State
from tests.cluster.phases import until
from tests.cluster.processes import Server
from tests.cluster.trouble import Trouble

SLEEPER = Server("sleeper", ("sleep", "600"))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path)
    yield state
    processes.stop(state, SLEEPER.name)


def test_a_server_is_recorded_and_found_again(state: State) -> None:
    assert processes.ensure(state, SLEEPER)
    record = processes.running(state, SLEEPER.name)
    assert record is not None
    assert Path(f"/proc/{record.pid}/comm").read_text().strip() == "sleep"


def test_a_server_that_runs_is_left_alone(state: State) -> None:
    processes.ensure(state, SLEEPER)
    before = processes.running(state, SLEEPER.name)
    assert not processes.ensure(state, SLEEPER)
    assert processes.running(state, SLEEPER.name) == before


def test_a_server_with_another_command_is_replaced(state: State) -> None:
    processes.ensure(state, SLEEPER)
    before = processes.running(state, SLEEPER.name)
    assert processes.ensure(state, Server("sleeper", ("sleep", "601")))
    after = processes.running(state, SLEEPER.name)
    assert before is not None
    assert after is not None
    assert after.pid != before.pid
    assert processes.start_time(before.pid) != before.started


def test_a_record_of_a_dead_process_is_not_believed_and_the_server_starts_anew(
    state: State,
) -> None:
    processes.ensure(state, SLEEPER)
    record = processes.running(state, SLEEPER.name)
    assert record is not None
    os.kill(record.pid, 9)
    until("the end", lambda: processes.start_time(record.pid) is None, within=5, every=0.01)
    assert processes.running(state, SLEEPER.name) is None
    assert processes.ensure(state, SLEEPER)


def test_a_stranger_with_a_recorded_id_is_not_ended(state: State) -> None:
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        state.pids.mkdir(parents=True)
        (state.pids / SLEEPER.name).write_text(f"{stranger.pid} 1@an-earlier-boot mark")
        processes.stop(state, SLEEPER.name)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_half_a_record_counts_as_none(state: State) -> None:
    state.pids.mkdir(parents=True)
    (state.pids / SLEEPER.name).write_text("12")
    assert processes.running(state, SLEEPER.name) is None


def test_a_server_that_ignores_being_asked_is_killed(state: State) -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('x', flush=True); time.sleep(600)"
    server = Server("sleeper", (sys.executable, "-c", stubborn))
    processes.start(state, server)
    log = state.logs / "sleeper.log"
    until("its word", lambda: "x" in log.read_text(), within=10, every=0.01)
    record = processes.running(state, "sleeper")
    assert record is not None
    processes.stop(state, "sleeper", patience=0.2)
    assert processes.start_time(record.pid) is None


def test_a_server_of_a_test_ends_with_the_test_that_was_killed(tmp_path: Path) -> None:
    parent = (
        "import sys, time; from pathlib import Path; from tests.cluster import processes;"
        "from tests.cluster.layout import State; from tests.cluster.processes import Server;"
        "processes.start(State(Path(sys.argv[1])), Server('sleeper', ('sleep', '600')), dies_with_parent=True);"
        "print('started', flush=True); time.sleep(600)"
    )
    command = (sys.executable, "-c", parent, str(tmp_path))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as test:
        assert test.stdout is not None
        assert test.stdout.readline().strip() == "started"
        record = processes.running(State(tmp_path), "sleeper")
        test.kill()
    assert record is not None
    until("its end", lambda: processes.start_time(record.pid) is None, within=5, every=0.01)


def test_a_taken_port_is_told_with_its_holder() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        with pytest.raises(Trouble, match=rf"etcd needs 127\.0\.0\.1:{port}, which can't be had"):
            processes.refuse_taken_port("etcd", "127.0.0.1", port)
