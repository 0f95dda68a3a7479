"""Servers that outlive the command that started them, and are ended by nobody else's mistake.

A process id alone is no name: it may belong to a stranger after the process died. Each server is recorded by id *and*
start time, by itself, between fork and exec: there is no moment in which it runs unrecorded, whoever is killed when.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.layout import State
from tests.cluster.trouble import Trouble

URGENT = -5  # niceness
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


@dataclass(frozen=True, slots=True)
class Server:
    """A command under a name; ports are what it listens on, to tell early who has them already."""

    name: str
    command: tuple[str, ...]
    ports: tuple[tuple[str, int], ...] = ()
    # On few cores a training takes all there is; what steers the cluster must answer all the same, as it would from a
    # machine of its own. Not for containerd: every container would inherit it.
    is_urgent: bool = False

    @property
    def mark(self) -> str:
        """Changes with the command, so that a server of an older configuration is replaced."""
        return hashlib.sha256("\0".join(self.command).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Record:
    """What a server wrote about itself before it began."""

    pid: int
    started: str
    mark: str


def boot() -> str:
    """Start times count from it: a record from before a reboot must not be believed."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> str | None:
    """When the process started, or None when there is none (one that ended and wasn't waited for counts as none)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may hold anything, so count from its end: the state is field 3, the start time 22.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{fields[19]}@{boot()}"


def recorded(state: State, name: str) -> Record | None:
    try:
        pid, started, mark = (state.pids / name).read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    return Record(int(pid), started, mark)


def running(state: State, name: str) -> Record | None:
    """The record of a server that lives; None when it doesn't, even if its id was given to another."""
    record = recorded(state, name)
    return record if record and start_time(record.pid) == record.started else None


def ensure(state: State, server: Server) -> bool:
    """Start a server unless it runs as configured; True when it had to be started."""
    record = running(state, server.name)
    if record and record.mark == server.mark:
        return False
    stop(state, server.name)
    for host, port in server.ports:
        refuse_taken_port(server.name, host, port)
    start(state, server)
    return True


def start(
    state: State,
    server: Server,
    *,
    dies_with_parent: bool = False,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    state.pids.mkdir(parents=True, exist_ok=True)
    state.logs.mkdir(parents=True, exist_ok=True)
    place = state.pids / server.name
    libc = ctypes.CDLL(None) if dies_with_parent else None

    def record() -> None:
        if server.is_urgent:
            with contextlib.suppress(PermissionError):
                os.setpriority(os.PRIO_PROCESS, 0, URGENT)
        if libc:
            libc.prctl(DIE_WITH_PARENT, signal.SIGKILL)
        half = place.with_name(f"{place.name}.half")
        half.write_text(f"{os.getpid()} {start_time(os.getpid())} {server.mark}")
        half.rename(place)

    told = state.logs / f"{server.name}.log"
    if told.exists():
        told.replace(told.with_name(f"{server.name}.previous.log"))
    with told.open("wb") as log:
        return subprocess.Popen(
            server.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=record,  # noqa: PLW1509 - no threads here, and the record must be written by the child itself
            env=environment,
        )


def stop(state: State, name: str, *, patience: float = 10) -> None:
    """Ask, wait, insist; does nothing when the server doesn't run."""
    record = recorded(state, name)
    if record:
        end(record.pid, record.started, patience=patience)
    (state.pids / name).unlink(missing_ok=True)


def end(pid: int, started: str, *, patience: float = 10) -> None:
    """End a process through a handle that can't come to mean another one between the check and the signal."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if start_time(pid) != started:
            return
        for sign, wait in ((signal.SIGTERM, patience), (signal.SIGKILL, 5)):
            if wait <= 0:
                continue
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, sign)
            if select.select([handle], [], [], wait)[0]:
                return
    finally:
        os.close(handle)


def refuse_taken_port(name: str, host: str, port: int) -> None:
    """Say who has a port, rather than leave it to the server's log. A moment's grace: the one before may be closing."""
    deadline = time.monotonic() + 2
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise Trouble(
                        f"{name} needs {host}:{port}, which can't be had ({error.strerror}{listener(port)}); "
                        "end what listens there, then run this again."
                    ) from None
        time.sleep(0.1)


def listener(port: int) -> str:
    """Who listens on a port, as an addition to a sentence; empty when it can't be told."""
    shown = subprocess.run(
        ["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True, check=False
    )
    _, _, users = shown.stdout.partition('users:(("')
    return f", held by {users.split(chr(34))[0]}" if users else ""


def why(state: State, names: Sequence[str]) -> str:
    """The last lines of the logs of servers that ended, for an error that would otherwise say nothing."""
    told = []
    for name in names:
        if not running(state, name):
            log = state.logs / f"{name}.log"
            tail = log.read_text(errors="replace").splitlines()[-3:] if log.exists() else []
            told.append(
                f"{name} has ended; the end of {log}:\n"
                + "\n".join(f"    {line[:300]}" for line in tail)
            )
    return "\n".join(told)
