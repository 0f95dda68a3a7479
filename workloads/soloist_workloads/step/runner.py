"""One attempt of one step: prepare its environment, run its command, tell how it ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from soloist_workloads.environment import Scalar, StepSettings
from soloist_workloads.processors import openmp_environment
from soloist_workloads.step.ended import EndedSteps, ended_steps
from soloist_workloads.step.log import LogFile, Tee, open_pod_log
from soloist_workloads.step.memory import (
    MOST_KILLS,
    MemoryWatch,
    find_memory_files,
    read_limit,
)
from soloist_workloads.step.outcome import (
    Outcome,
    Reason,
    decide_outcome,
    render_outcome,
)
from soloist_workloads.step.upload import LogUploader, log_params
from soloist_workloads.storage import prepare_run_storage
from soloist_workloads.tracking import RunStore, open_run_store

LAST_LINES_SECONDS = 5.0
PR_SET_PDEATHSIG = 1


def run_step(settings: StepSettings, environ: Mapping[str, str]) -> int:
    """Run the step and return the exit code of the runner; the last line printed is the outcome."""
    file = LogFile(_log_path(settings))
    tee = Tee(settings.step, stdout=sys.stdout.buffer, pod_log=open_pod_log(), file=file)
    store = open_run_store(settings.tracking)
    uploader = LogUploader(store, file, f"logs/{file.path.name}") if store else None
    outcome = _run(settings, environ, tee, store, uploader)
    problem = uploader.finish() if uploader else None
    if problem:
        print(f"soloist: the log did not reach MLflow: {problem}", flush=True)
    print(render_outcome(outcome), flush=True)
    return outcome.exit_code


def _run(
    settings: StepSettings,
    environ: Mapping[str, str],
    tee: Tee,
    store: RunStore | None,
    uploader: LogUploader | None,
) -> Outcome:
    if settings.code_dir is not None and not settings.code_dir.is_dir():
        tee.say(f"soloist: the code folder {settings.code_dir} is missing from this pod.")
        return Outcome(Reason.SOURCE_MISSING, 1)
    try:
        prepare_run_storage(settings.run_storage)
    except OSError as error:
        tee.say(f"soloist: the run's storage {settings.run_storage} can't be written: {error}.")
        return Outcome(Reason.NON_ZERO_EXIT, 1)
    ended = ended_steps(settings)
    said = ended.said() if ended is not None else None
    if said is not None:
        if uploader is not None:
            uploader.start()
        tee.repeat(said)
        tee.say("soloist: this step had succeeded before its pod was lost; nothing is run again.")
        return Outcome(Reason.COMPLETED, 0)
    files = find_memory_files()
    memory = MemoryWatch(files)
    command = _start(settings, environ)
    assert command.stdout is not None
    tee.start(command.stdout)
    memory.start(
        give_up=partial(_end_for_memory, command, tee),
        filling=uploader.hurry if uploader is not None else None,
    )
    if uploader is not None:
        uploader.start()
    if store is not None:
        log_params(store, settings.step, settings.params, say=tee.say)
    exit_code = wait_for(command)
    tee.finish(within_seconds=LAST_LINES_SECONDS)
    if exit_code == 0 and ended is not None:
        _keep(ended, tee)
    return decide_outcome(
        exit_code,
        oom_killed=memory.kills() > 0 or tee.saw_ray_out_of_memory,
        memory_limit=read_limit(files),
        memory_peak=memory.stop(),
    )


def _keep(ended: EndedSteps, tee: Tee) -> None:
    try:
        ended.keep(tee.said())
    except OSError as error:  # a full volume: the step succeeded all the same
        tee.say(f"soloist: the step's end could not be kept on the run's storage: {error}.")


def _end_for_memory(command: subprocess.Popen[bytes], tee: Tee) -> None:
    tee.say(
        f"soloist: the kernel killed {MOST_KILLS} processes of this step because its memory ran out; ending it."
    )
    with contextlib.suppress(ProcessLookupError):  # it ended just now
        os.killpg(command.pid, signal.SIGKILL)


def _start(settings: StepSettings, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the command in its own process group, so that a signal reaches all of it."""
    command = subprocess.Popen(
        ["/bin/bash", "-c", settings.command],
        cwd=settings.code_dir,
        env=command_environment(environ, settings.params),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
        preexec_fn=_before_exec,  # noqa: PLW1509 - no thread runs yet: they start after this
    )

    def pass_on(number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):  # it ended just now
            os.killpg(command.pid, number)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    return command


def _before_exec() -> None:
    """Between fork and exec: the command dies with the runner, and dies first when memory runs out.

    Ray kills the runner's process group when the job's supervisor dies; the command has a group of its own,
    so it asks the kernel for the same end. The kernel's first choice at an OOM should be the command: when it
    takes the raylet or this runner, nobody is left to say what happened.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    with contextlib.suppress(OSError):  # without Linux's /proc only the preference is lost
        Path("/proc/self/oom_score_adj").write_text("1000")


def wait_for(command: subprocess.Popen[bytes]) -> int:
    """Wait for the command's end; its exit code as a shell tells it (128 + the signal's number).

    With a time limit `wait` naps instead of blocking in the kernel. Python runs a signal's handler between two
    bytecodes: a stop that arrived just before a blocking wait would reach the command only after its own end.
    """
    code = command.wait(timeout=threading.TIMEOUT_MAX)
    return code if code >= 0 else 128 - code


def command_environment(
    environ: Mapping[str, str], params: tuple[tuple[str, Scalar], ...]
) -> dict[str, str]:
    """The runner's own environment plus `PARAM_<NAME>` for each parameter; output unbuffered."""
    exported = {
        f"PARAM_{name.upper().replace('-', '_')}": _shell_text(value) for name, value in params
    }
    return {"PYTHONUNBUFFERED": "1", **openmp_environment(environ), **environ, **exported}


def _shell_text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _log_path(settings: StepSettings) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="soloist-log-"))
    return folder / f"{settings.step}-{settings.attempt}.log"
