"""Where everything lies: the only place that knows a path."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
GO = HERE / "go"
GO_OUTSIDE = HERE / "go-outside"
MANIFESTS = HERE / "manifests"


def cache() -> Path:
    """The folder outside the checkout that outlives clones: binaries, base image, layers, cluster state."""
    return (
        Path(os.environ.get("SOLOIST_CACHE") or Path.home() / ".cache" / "soloist")
        .expanduser()
        .resolve()
    )


@dataclass(frozen=True, slots=True)
class State:
    """The files of one running control plane; the local cluster and each test's own have one apiece."""

    root: Path

    @property
    def pids(self) -> Path:
        return self.root / "pids"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def etcd(self) -> Path:
        return self.root / "etcd"

    @property
    def volumes(self) -> Path:
        return self.root / "volumes"

    @property
    def kubelet(self) -> Path:
        return self.root / "kubelet"

    @property
    def containerd(self) -> Path:
        return self.root / "containerd"

    @property
    def containerd_state(self) -> Path:
        return self.root / "containerd-state"

    @property
    def socket(self) -> Path:
        return self.root / "containerd.sock"

    @property
    def cni(self) -> Path:
        return self.root / "cni"

    def kubeconfig(self, user: str = "admin") -> Path:
        return self.root / f"{user}.kubeconfig"

    def config(self, name: str) -> Path:
        return self.root / "config" / name


def local_cluster() -> State:
    return State(cache() / "cluster")
