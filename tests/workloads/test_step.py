"""One step as a process: what it prints, logs, exports and exits with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from soloist_workloads.step.log import CUT_NOTICE, LogFile
from soloist_workloads.step.memory import (
    MOST_KILLS,
    MemoryWatch,
    find_memory_files,
    read_limit,
    read_oom_kills,
    read_working_set,
)
from soloist_workloads.step.outcome import PREFIX, Reason, decide_outcome
from soloist_workloads.step.runner import wait_for
from soloist_workloads.step.upload import LogUploader, log_params
from soloist_workloads.tracking.rest import RestRun, Server
from tests.workloads.fake_mlflow import FakeMlflow, fake_mlflow


@pytest.fixture
def mlflow() -> Iterator[FakeMlflow]:
    with fake_mlflow() as state:
        yield state


def start(command: str, **env: str) -> subprocess.Popen[str]:
    base = {k: v for k, v in os.environ.items() if not k.startswith(("SOLOIST_", "MLFLOW_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "soloist_workloads.step"],
        env={**base, "SOLOIST_STEP": "train", "SOLOIST_COMMAND": command, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(command: str, **env: str) -> tuple[int, list[str], dict[str, Any]]:
    process = start(command, **env)
    output, _ = process.communicate(timeout=60)
    *lines, last = output.splitlines()
    assert last.startswith(PREFIX), output
    return process.returncode, lines, json.loads(last.removeprefix(PREFIX))


def test_a_step_that_succeeds_is_logged_in_mlflow(mlflow: FakeMlflow, tmp_path: Path) -> None:
    code, lines, outcome = run(
        'echo "$PWD"; echo $PARAM_LEARNING_RATE $PARAM_DEEP >&2; touch $SOLOIST_RUN_STORAGE/x',
        SOLOIST_CODE_DIR=str(tmp_path),
        SOLOIST_ATTEMPT="2",
        SOLOIST_PARAMS='{"learning-rate": 0.1, "deep": true}',
        SOLOIST_RUN_STORAGE=str(tmp_path / "runs" / "r1"),
        MLFLOW_TRACKING_URI=mlflow.uri,
        MLFLOW_RUN_ID="abc",
    )
    assert (code, outcome["reason"], outcome["exitCode"]) == (0, "Completed", 0)
    assert lines == [str(tmp_path), "0.1 true"]
    assert mlflow.artifacts["1/abc/artifacts/logs/train-2.log"].decode().splitlines() == lines
    assert mlflow.params == {"learning-rate": "0.1", "deep": "True"}
    assert (tmp_path / "runs" / "r1" / ".soloist-run").exists()
    assert (tmp_path / "runs" / "r1" / "x").exists()


@pytest.mark.parametrize(
    ("command", "code", "reason"),
    [
        ("exit 3", 3, "NonZeroExit"),
        ("no-such-program", 127, "CommandNotFound"),
        ("/etc/passwd", 126, "CommandNotFound"),
        ("kill -9 $$", 137, "NonZeroExit"),
        ("echo ray.exceptions.OutOfMemoryError: killed; exit 1", 137, "OutOfMemory"),
    ],
)
def test_the_last_line_says_how_it_ended(command: str, code: int, reason: str) -> None:
    exit_code, _, outcome = run(command)
    assert (exit_code, outcome["reason"], outcome["exitCode"]) == (code, reason, code)


def test_a_missing_code_folder_is_told(tmp_path: Path) -> None:
    code, lines, outcome = run("true", SOLOIST_CODE_DIR=str(tmp_path / "none"))
    assert (code, outcome["reason"]) == (1, "SourceMissing")
    assert "is missing" in lines[0]


def test_a_stop_reaches_the_whole_process_group(tmp_path: Path) -> None:
    mark = tmp_path / "stopped"
    process = start(f"trap 'touch {mark}; exit 5' TERM; echo ready; while :; do sleep 0.1; done")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 5
    assert mark.exists()
    assert output.splitlines()[-1].startswith(PREFIX)


def test_a_stop_that_does_not_interrupt_the_wait_is_passed_on() -> None:
    """A signal taken by another thread leaves the waiting one asleep, like one that came just before it slept."""
    command = subprocess.Popen(["sleep", "20"])
    before = signal.signal(signal.SIGUSR1, lambda *_: command.terminate())
    try:
        threading.Timer(
            0.2, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        ).start()
        assert wait_for(command) == 128 + signal.SIGTERM
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_the_command_dies_with_its_runner(tmp_path: Path) -> None:
    process = start("echo $$; exec sleep 60")
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while _lives(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def test_a_step_does_not_import_mlflow() -> None:
    program = "import soloist_workloads.step.__main__, sys; assert 'mlflow' not in sys.modules; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def uploader(
    mlflow: FakeMlflow, file: LogFile, *, every_seconds: float = 0.01, **patience: float
) -> LogUploader:
    run = RestRun(Server.at(mlflow.uri, {}), "abc")
    return LogUploader(
        run, file, "logs/x.log", every_seconds=every_seconds, retry_seconds=0.01, **patience
    )


def eventually(holds: Any) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_log_in_a_hurry_does_not_wait_for_its_turn(mlflow: FakeMlflow, tmp_path: Path) -> None:
    file = LogFile(tmp_path / "x.log")
    upload = uploader(mlflow, file, every_seconds=3600)
    upload.start()
    file.write(b"one\n")
    upload.hurry()
    eventually(lambda: mlflow.artifacts.get("1/abc/artifacts/logs/x.log") == b"one\n")
    file.write(b"two\n")
    assert upload.finish() is None
    assert mlflow.artifacts["1/abc/artifacts/logs/x.log"] == b"one\ntwo\n"


def test_a_log_is_uploaded_while_it_grows_and_not_again_when_it_does_not(
    mlflow: FakeMlflow, tmp_path: Path
) -> None:
    file = LogFile(tmp_path / "x.log")
    upload = uploader(mlflow, file)
    upload.start()
    file.write(b"one\n")
    eventually(lambda: mlflow.artifacts.get("1/abc/artifacts/logs/x.log") == b"one\n")
    file.write(b"two\n")
    eventually(lambda: mlflow.artifacts.get("1/abc/artifacts/logs/x.log") == b"one\ntwo\n")
    assert upload.finish() is None
    assert sum("PUT" in request for request in mlflow.requests) == 2


def test_a_log_waits_for_mlflow(mlflow: FakeMlflow, tmp_path: Path) -> None:
    file = LogFile(tmp_path / "x.log")
    upload = uploader(mlflow, file, patience_seconds=10.0)
    mlflow.is_down = True
    upload.start()
    file.write(b"one\n")
    eventually(lambda: len(mlflow.requests) > 2)
    mlflow.is_down = False
    assert upload.finish() is None
    assert mlflow.artifacts["1/abc/artifacts/logs/x.log"] == b"one\n"


def test_a_log_gives_up_in_the_end_and_says_why(mlflow: FakeMlflow, tmp_path: Path) -> None:
    mlflow.is_down = True
    file = LogFile(tmp_path / "x.log")
    upload = uploader(mlflow, file, patience_seconds=0.05)
    upload.start()
    file.write(b"one\n")
    assert "MLflow answered 503" in str(upload.finish())


def test_two_steps_may_give_one_parameter_two_values(mlflow: FakeMlflow) -> None:
    run = RestRun(Server.at(mlflow.uri, {}), "abc")
    log_params(run, "prepare", [("rows", 1)], say=pytest.fail)
    log_params(run, "train", [("rows", 2)], say=pytest.fail)
    assert mlflow.params == {"rows": "1", "train.rows": "2"}


def test_a_log_beyond_its_cap_keeps_its_end(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "x.log", cap_bytes=1000)
    for number in range(300):
        file.write(f"line {number}\n".encode())
    content = file.read()
    assert content.startswith(CUT_NOTICE)
    assert content.endswith(b"line 299\n")
    assert len(content) <= 1000 + len(CUT_NOTICE)


def test_a_step_that_succeeded_is_not_run_again_and_its_log_is_kept(
    mlflow: FakeMlflow, tmp_path: Path
) -> None:
    kept = {"SOLOIST_RUN_STORAGE": str(tmp_path / "run"), "MLFLOW_TRACKING_URI": mlflow.uri}
    command = "echo worked; echo x >> $SOLOIST_RUN_STORAGE/times"
    assert run(command, **kept, MLFLOW_RUN_ID="r1")[0] == 0

    # When its pod was lost before anyone knew, and the job is submitted again
    code, lines, outcome = run(command, **kept, MLFLOW_RUN_ID="r1")

    assert (code, outcome["reason"]) == (0, "Completed")
    assert (tmp_path / "run/times").read_text() == "x\n"
    assert lines[0] == "worked"
    log = mlflow.artifacts["1/r1/artifacts/logs/train-1.log"].decode().splitlines()
    assert log[0] == "worked"
    assert "nothing is run again" in log[1]

    # but a Run of the same name that was made later has a life of its own
    run(command, **kept, MLFLOW_RUN_ID="r2")
    assert (tmp_path / "run/times").read_text() == "x\nx\n"


def test_a_step_that_failed_is_run_again(mlflow: FakeMlflow, tmp_path: Path) -> None:
    kept = {"SOLOIST_RUN_STORAGE": str(tmp_path / "run"), "MLFLOW_TRACKING_URI": mlflow.uri}
    command = "echo x >> $SOLOIST_RUN_STORAGE/times; exit 3"
    assert [run(command, **kept, MLFLOW_RUN_ID="r1")[0] for _ in range(2)] == [3, 3]
    assert (tmp_path / "run/times").read_text() == "x\nx\n"


def make_cgroup(root: Path, version: int, *, limit: str, kills: int) -> None:
    if version == 2:
        files = {
            "memory.max": limit,
            "memory.current": "5000",
            "memory.stat": "anon 1\ninactive_file 1000\n",
            "memory.events": f"low 0\noom 1\noom_kill {kills}\n",
        }
    else:
        files = {
            "memory/memory.limit_in_bytes": limit,
            "memory/memory.usage_in_bytes": "5000",
            "memory/memory.stat": "inactive_file 7\ntotal_inactive_file 1000\n",
            "memory/memory.oom_control": f"oom_kill_disable 0\nunder_oom 0\noom_kill {kills}\n",
        }
    for name, content in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        put(root / name, content)


def put(file: Path, content: str) -> None:
    """At once, as the kernel's files change: the watch reads them meanwhile."""
    new = file.with_suffix(".new")
    new.write_text(content)
    new.replace(file)


@pytest.mark.parametrize("version", [1, 2])
def test_memory_is_read_from_either_cgroup_version(version: int, tmp_path: Path) -> None:
    make_cgroup(tmp_path, version, limit="8000\n", kills=2)
    files = find_memory_files(tmp_path)
    assert files is not None
    assert (read_limit(files), read_oom_kills(files), read_working_set(files)) == (8000, 2, 4000)


@pytest.mark.parametrize(("version", "limit"), [(1, "9223372036854771712"), (2, "max")])
def test_no_limit_is_none(version: int, limit: str, tmp_path: Path) -> None:
    make_cgroup(tmp_path, version, limit=limit, kills=0)
    assert read_limit(find_memory_files(tmp_path)) is None


def test_outside_a_container_nothing_is_read(tmp_path: Path) -> None:
    assert find_memory_files(tmp_path) is None
    assert (read_limit(None), read_oom_kills(None)) == (None, 0)


def test_a_step_whose_processes_the_kernel_kills_again_and_again_is_given_up_once(
    tmp_path: Path,
) -> None:
    make_cgroup(tmp_path, 2, limit="8000", kills=5)
    watch = MemoryWatch(find_memory_files(tmp_path))
    given_up = threading.Semaphore(0)
    watch.start(give_up=given_up.release)
    make_cgroup(tmp_path, 2, limit="8000", kills=5 + MOST_KILLS - 1)
    assert not given_up.acquire(timeout=0.5)
    make_cgroup(tmp_path, 2, limit="8000", kills=5 + MOST_KILLS)
    assert given_up.acquire(timeout=10)
    assert not given_up.acquire(timeout=0.5)
    assert (watch.kills(), watch.stop()) == (MOST_KILLS, 4000)


def test_filling_is_told_early_again_and_again_and_each_share_once(tmp_path: Path) -> None:
    # Given a step that holds half of its memory
    make_cgroup(tmp_path, 2, limit="8200", kills=0)
    watch = MemoryWatch(find_memory_files(tmp_path))
    told = threading.Semaphore(0)
    watch.start(give_up=lambda: None, filling=told.release)
    assert not told.acquire(timeout=0.5)

    # When it takes more, then it is told at each share, the first one long before the memory is full
    for used in (6000, 6800, 7600, 8400):  # 1000 of them are page cache that nobody uses
        put(tmp_path / "memory.current", str(used))
        assert told.acquire(timeout=10), used
        assert not told.acquire(timeout=0.3), used

    # And not again when it gives back and takes the same once more
    for used in (5000, 8400):
        put(tmp_path / "memory.current", str(used))
        assert not told.acquire(timeout=0.3), used
    watch.stop()


def test_without_a_limit_nothing_fills(tmp_path: Path) -> None:
    make_cgroup(tmp_path, 2, limit="max", kills=0)
    watch = MemoryWatch(find_memory_files(tmp_path))
    told = threading.Semaphore(0)
    watch.start(give_up=lambda: None, filling=told.release)
    assert not told.acquire(timeout=0.5)
    watch.stop()


def test_an_out_of_memory_kill_counts_only_when_the_command_failed() -> None:
    killed = decide_outcome(1, oom_killed=True, memory_limit=100, memory_peak=90)
    assert (killed.reason, killed.exit_code, killed.memory_peak) == (Reason.OUT_OF_MEMORY, 137, 100)
    survived = decide_outcome(0, oom_killed=True, memory_limit=100, memory_peak=90)
    assert (survived.reason, survived.memory_peak) == (Reason.COMPLETED, 90)
