"""What brings requests from outside, for the story that needs it: Contour and the kinds of the Gateway API, from Go modules.

A module of its own: its pins and Kubernetes' don't have to agree, and a newer Contour builds no Kubernetes anew.
"""

from __future__ import annotations

import platform
from pathlib import Path

from tests.cluster import files
from tests.cluster.binaries import copy, ensure, module
from tests.cluster.layout import GO_OUTSIDE, cache
from tests.cluster.oci import BinaryImage
from tests.cluster.tools import run

CONTOUR = "github.com/projectcontour/contour"
GATEWAY_API = "sigs.k8s.io/gateway-api"
IMAGE = BinaryImage("localhost/contour:1", "contour", "/bin/contour")
# Of Contour's own manifests what is the same wherever it runs: its namespace and accounts, its kinds, its rights.
FURNITURE = ("00-common.yaml", "01-crds.yaml", "02-rbac.yaml", "02-role-contour.yaml")


def folder() -> Path:
    """Where the binary and the manifests of the present sources are, or will be."""
    named = files.sources(GO_OUTSIDE)
    salt = f"{platform.machine()} {FURNITURE}"
    return cache() / "outside" / files.digest(named, under=GO_OUTSIDE, salt=salt)


def ensure_built() -> Path:
    """A folder with the program `contour`, and the manifests in `gateway-api` and `furniture`."""
    told = "building Contour from Go modules (once; about 2 minutes from an empty Go cache)"
    return ensure(
        folder(),
        build,
        lock="outside.lock",
        needs="Building Contour needs Go (1.26 or later)",
        told=told,
    )


def build(wanted: Path) -> None:
    with files.whole(wanted) as half:
        command = ("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", f"{half}/", "tool")
        run(*command, why="Building Contour", cwd=GO_OUTSIDE, environment={"CGO_ENABLED": "0"})
        # The standard channel: what a cluster has whose administrator chose nothing else.
        copy(module(GATEWAY_API, GO_OUTSIDE) / "config/crd/standard", half / "gateway-api")
        for name in FURNITURE:
            copy(module(CONTOUR, GO_OUTSIDE) / "examples/contour" / name, half / "furniture")
