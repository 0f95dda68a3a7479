"""One attempt, in a process of its own, and what is left of it on the volume.

    no verdict ─▶ mark, named after this pod ─▶ process ─▶ graph renamed into place ─▶ verdict ─▶ no mark

The verdict comes last and names the graph by its digest, so a reader finds both or none, and pods that do the same at
the same time replace each other's files by equally good ones. A mark of this very pod without a verdict means that the
attempt before took the whole container down with it; it isn't made again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from soloist_workloads.environment import FetchSettings
from soloist_workloads.optimize.verdict import (
    FORM,
    Verdict,
    dump,
    file_of,
    folder_of,
    not_taken,
    read,
)
from soloist_workloads.scratch import SCRATCH_PREFIX, remove_abandoned, sync, sync_entry
from soloist_workloads.serving.memory import read_share

# A forest of 500 trees takes a minute or two on one core; a pod that starts must not wait much longer.
LONGEST_SECONDS = 300
UNBOUNDED = 2**62
GRAPH = f"model.{FORM}"

# What the model's own code, where it was allowed to run, has no business with.
SECRETIVE = ("MLFLOW_", "AWS_", "AZURE_", "GOOGLE_")


def settle(settings: FetchSettings, *, seconds: float = LONGEST_SECONDS) -> Verdict:
    """The verdict that is there, or a new one. Never raises: the model can be served without."""
    try:
        return _settle(settings, seconds, read_share() or UNBOUNDED)
    except Exception as error:  # a full volume, for instance
        return not_taken(f"The attempt to convert it failed: {type(error).__name__}: {error}.")


def _settle(settings: FetchSettings, seconds: float, share: int) -> Verdict:
    folder = folder_of(settings.model_dir)
    known = read(folder)
    if known is not None and known.holds(share):
        return known
    folder.mkdir(exist_ok=True)
    mark = folder / f".began-{socket.gethostname()}"
    if mark.exists():
        ended = not_taken(
            "The attempt before ended its whole container, most likely for want of memory. Give the endpoint more "
            "(spec.memory).",
            tried_bytes=share,
        )
        return _keep(ended, None, folder)
    mark.touch()
    remove_abandoned(folder.parent)
    scratch = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=folder.parent))
    try:
        verdict = _run(settings, scratch, seconds, share)
        graph = scratch / GRAPH
        return _keep(verdict, graph if verdict.taken else None, folder)
    finally:
        mark.unlink(missing_ok=True)
        shutil.rmtree(scratch, ignore_errors=True)


def _run(settings: FetchSettings, scratch: Path, seconds: float, share: int) -> Verdict:
    command = [
        sys.executable, "-m", "soloist_workloads.optimize", str(settings.model_dir), str(scratch),
        "1" if settings.allow_pickle else "0", str(share if share < UNBOUNDED else 0),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command,
            env=_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return not_taken(
            f"It took longer than {seconds:g} s. Train a smaller model (fewer or shallower trees).",
            tried_bytes=share,
        )
    found = read(scratch)
    if found is not None and done.returncode == 0:
        return found
    return not_taken(_explain_end(done.returncode), tried_bytes=share)


def _explain_end(code: int) -> str:
    if code < 0:  # by a signal: the kernel's, or its own when an allocation failed in a library
        return (
            f"Its process was ended by signal {-code}, most likely for want of memory. Give the endpoint more "
            "(spec.memory)."
        )
    return (
        f"Its process ended with {code} and no verdict. Read the log of the pod's container fetch."
    )


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if not name.startswith(SECRETIVE)}


def _keep(verdict: Verdict, graph: Path | None, folder: Path) -> Verdict:
    with tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=folder.parent) as scratch:
        written = Path(scratch) / "verdict.json"
        written.write_text(dump(verdict))
        written.chmod(0o644)
        sync(Path(scratch))
        if graph is not None:
            sync_entry(graph)
            graph.replace(folder / verdict.graph)
        written.replace(file_of(folder))
    sync_entry(folder)
    (folder / f".began-{socket.gethostname()}").unlink(missing_ok=True)
    return verdict


def name_graph(content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()[:16]}.{FORM}"
