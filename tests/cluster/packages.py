"""What the local Kubernetes takes from Debian rather than builds."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.cluster.phases import phase
from tests.cluster.tools import missing, run
from tests.cluster.trouble import Trouble

# program → package; containernetworking-plugins has no program on the path, so one of its plugins stands for it.
PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "buildah": "buildah",
    "mmdebstrap": "mmdebstrap",
    "docker-registry": "docker-registry",
    "iptables": "iptables",
    "nft": "nftables",
    "conntrack": "conntrack",
    "ipset": "ipset",
    "socat": "socat",
    "ip": "iproute2",
    "openssl": "openssl",
    "git": "git",
}
# Debian puts servers where an ordinary user's path doesn't look.
SERVER_PATHS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def extend_path() -> None:
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join(
        [*path, *(each for each in SERVER_PATHS if each not in path)]
    )


def lacking() -> list[str]:
    absent = missing([program for program in PACKAGES if not program.startswith("/")])
    absent += [
        program for program in PACKAGES if program.startswith("/") and not Path(program).exists()
    ]
    return sorted({PACKAGES[program] for program in absent})


def ensure_root() -> None:
    if os.geteuid() != 0:
        raise Trouble(
            "A local Kubernetes needs root (namespaces, mounts, a bridge): run this as root or name a cluster: CONTEXT=…."
        )


def ensure_packages() -> None:
    """Install what is absent; asks nothing of the network when all is there."""
    names = lacking()
    if not names:
        return
    ensure_root()
    if shutil.which("apt-get") is None:
        raise Trouble(
            f"These programs' packages are missing and this is no Debian: {', '.join(names)}; install them by hand."
        )
    with phase(f"installing Debian packages: {' '.join(names)}"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run(
            "apt-get",
            "update",
            "-qq",
            why="Reading the lists of Debian packages",
            environment=quiet,
        )
        install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends")
        run(*install, *names, why="Installing Debian packages", environment=quiet)
