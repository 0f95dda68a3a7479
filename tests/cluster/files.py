"""Files that are there whole or not at all, locks that die with their holder, and digests of sources."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.cluster.phases import say


def write(path: Path, text: str, *, mode: int = 0o644) -> Path:
    """Replace a file at once; a reader or a kill never meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    half.write_text(text)
    half.chmod(mode)
    half.replace(path)
    return path


@contextlib.contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """Fill a folder beside its place and rename it at the end: it exists only complete.

    Callers hold a lock; what lies half made beside it is therefore nobody's any more.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f"{folder.name}.half-*"):
        shutil.rmtree(left, ignore_errors=True)
    half = Path(tempfile.mkdtemp(prefix=f"{folder.name}.half-", dir=folder.parent))
    half.chmod(0o755)
    try:
        yield half
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
        half.rename(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """One at a time. The kernel frees the lock when its holder dies, however it dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"           waiting for another process that holds {path.name}")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def sources(*roots: Path) -> list[Path]:
    """Every file under the given files and folders, in a fixed order, without what Python or an editor leaves behind."""
    found: list[Path] = []
    for root in roots:
        found += [root] if root.is_file() else [p for p in sorted(root.rglob("*")) if p.is_file()]
    return [
        path
        for path in found
        if "__pycache__" not in path.parts and not path.name.endswith((".pyc", "~"))
    ]


def digest(paths: Iterable[Path], *, under: Path, salt: str = "") -> str:
    """Twelve hex digits that change when a path, its content or its mode for execution changes."""
    summed = hashlib.sha256(salt.encode())
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        executable = os.access(path, os.X_OK)
        summed.update(f"{path.relative_to(under)} {content} {executable}\n".encode())
    return summed.hexdigest()[:12]
