"""kind instead of the local cluster, where its program and a container engine are at hand. Thin: kind does the work."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.cluster import engine, images
from tests.cluster.binaries import ensure_built, folder
from tests.cluster.layout import MANIFESTS, cache
from tests.cluster.node import IMAGES as SERVER_IMAGES
from tests.cluster.oci import BinaryImage, write_archive
from tests.cluster.phases import phase
from tests.cluster.tools import run, succeeds

CLUSTER = "soloist"
# A name without a host would be looked for in a public registry.
PREFIX = "localhost"


class KindCluster:
    """Implements `Cluster` with kind."""

    name = "kind"

    def __init__(self, container_engine: str) -> None:
        self._engine = container_engine
        os.environ.setdefault("KIND_EXPERIMENTAL_PROVIDER", container_engine)

    @property
    def kubeconfig(self) -> Path:
        return cache() / "kind.kubeconfig"

    def up(self) -> bool:
        if self.is_up():
            return False
        binaries = ensure_built()
        if CLUSTER not in self._clusters():
            with phase("creating a kind cluster"):
                self.kubeconfig.parent.mkdir(parents=True, exist_ok=True)
                create = (
                    "create",
                    "cluster",
                    "--name",
                    CLUSTER,
                    "--kubeconfig",
                    self.kubeconfig,
                    "--wait",
                    "120s",
                )
                run("kind", *create, why="Creating a kind cluster")
        with phase("installing KubeRay"):
            kuberay = next(each for each in SERVER_IMAGES if each.binary == "ray-operator")
            self.load(kuberay, binaries)
            kubectl = (binaries / "kubectl", f"--kubeconfig={self.kubeconfig}")
            for source in (MANIFESTS / "kuberay.yaml", binaries / "kuberay"):
                run(*kubectl, "apply", "--server-side", "-f", source, why="Installing KubeRay")
            rollout = (
                "rollout",
                "status",
                "deployment/kuberay-operator",
                "-n",
                "ray-system",
                "--timeout=120s",
            )
            run(*kubectl, *rollout, why="Waiting for KubeRay")
        return True

    def down(self) -> None:
        run(
            "kind",
            "delete",
            "cluster",
            "--name",
            CLUSTER,
            "--kubeconfig",
            self.kubeconfig,
            why="Deleting the kind cluster",
        )

    def is_up(self) -> bool:
        deployed = ("get", "deployment/kuberay-operator", "-n", "ray-system")
        return succeeds(
            folder() / "kubectl",
            f"--kubeconfig={self.kubeconfig}",
            "--request-timeout=5s",
            *deployed,
        )

    def publish(self, targets: Sequence[str]) -> Mapping[str, str]:
        published = {}
        for image in images.chosen(targets):
            reference = engine.build(self._engine, image, PREFIX)
            with phase(f"loading {image.name} into kind"):
                run(
                    "kind",
                    "load",
                    "docker-image",
                    "--name",
                    CLUSTER,
                    reference,
                    why=f"Loading {reference} into kind",
                )
            published[image.target] = reference
        return published

    def load(self, image: BinaryImage, binaries: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            archive = Path(scratch) / f"{image.binary}.tar"
            write_archive(image, binaries / image.binary, archive)
            load = ("load", "image-archive", "--name", CLUSTER, archive)
            run("kind", *load, why=f"Loading the image {image.name} into kind")

    def environment(self) -> Mapping[str, str]:
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": f"{folder()}{os.pathsep}{os.environ.get('PATH', '')}",
        }

    def status(self) -> Mapping[str, str]:
        return {
            "kind": "exists" if CLUSTER in self._clusters() else "does not exist",
            "engine": self._engine,
        }

    def _clusters(self) -> list[str]:
        return run("kind", "get", "clusters", why="Listing kind's clusters").split()
