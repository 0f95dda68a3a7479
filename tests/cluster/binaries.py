"""The Go programs of a cluster, built once per content of their module."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.cluster import files
from tests.cluster.layout import GO, cache
from tests.cluster.phases import phase
from tests.cluster.tools import run
from tests.cluster.trouble import Trouble

KUBERNETES = "v1.34.4"
KUBERAY = "github.com/ray-project/kuberay/ray-operator"
# One binary that is every server of Kubernetes, by the name it is called by: one link instead of five.
SERVERS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
KEPT = 2  # builds; more would only take room


def folder() -> Path:
    """Where the binaries of the present sources are, or will be."""
    named = [path for path in files.sources(GO) if path.suffix in (".go", ".mod", ".sum")]
    return (
        cache() / "bin" / files.digest(named, under=GO, salt=f"{KUBERNETES} {platform.machine()}")
    )


def ensure_built() -> Path:
    """The folder of the binaries, built when there is none for these sources."""
    told = "building Kubernetes and its tools from Go modules (once; about 7 minutes from an empty Go cache)"
    return ensure(
        folder(),
        build,
        lock="build.lock",
        needs="Building Kubernetes needs Go (1.24 or later)",
        told=told,
    )


def ensure(wanted: Path, make: Callable[[Path], None], *, lock: str, needs: str, told: str) -> Path:
    """The folder, made by one process where there is none; of older ones the newest is kept."""
    if wanted.exists():
        return wanted
    if shutil.which("go") is None:
        raise Trouble(f"{needs} on the path: install it, then run this again.")
    with files.lock(cache() / lock):
        if not wanted.exists():
            with phase(told):
                make(wanted)
        prune(wanted)
    return wanted


def build(wanted: Path) -> None:
    version = "k8s.io/component-base/version"
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    stamp = f"-s -w -X {version}.gitVersion={KUBERNETES} -X {version}.gitMajor={major} -X {version}.gitMinor={minor}"
    # Static: the binaries also become images from scratch.
    static = {"CGO_ENABLED": "0"}
    with files.whole(wanted) as half:
        command = ("go", "build", "-trimpath", "-ldflags", stamp, "-o", f"{half}/", "./...", "tool")
        run(*command, why="Building Kubernetes", cwd=GO, environment=static)
        for server in SERVERS:
            (half / server).symlink_to("control-plane")
        kuberay = module(KUBERAY, GO)
        copy(kuberay / "config/crd/bases", half / "kuberay")
        copy(kuberay / "config/rbac/role.yaml", half / "kuberay")


def module(name: str, under: Path) -> Path:
    """The folder of a module that the Go module `under` needs: what it brings besides code."""
    words = ("go", "list", "-m", "-f", "{{.Dir}}", name)
    return Path(run(*words, why=f"Finding the files of {name}", cwd=under).strip())


def copy(source: Path, folder: Path) -> None:
    """Copy files without their mode: a module cache is read-only."""
    folder.mkdir(exist_ok=True)
    for path in files.sources(source):
        (folder / path.name).write_bytes(path.read_bytes())


def prune(wanted: Path) -> None:
    others = sorted(
        (p for p in wanted.parent.iterdir() if p != wanted),
        key=lambda p: p.stat().st_mtime,
        reverse=True,
    )
    for old in others[KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
