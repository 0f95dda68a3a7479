"""A cluster that the user has and names: CONTEXT=staging REGISTRY=registry.example.com/team."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.cluster import engine, files, images
from tests.cluster.binaries import folder
from tests.cluster.layout import cache
from tests.cluster.oci import BinaryImage
from tests.cluster.tools import missing, run, succeeds
from tests.cluster.trouble import Trouble


class ContextCluster:
    """Implements `Cluster` on a context of the user's kubeconfig; makes and removes nothing but what is installed on it."""

    name = "named"

    def __init__(self, context: str, registry: str | None) -> None:
        self._context = context
        self._registry = registry

    @property
    def kubeconfig(self) -> Path:
        """The one context, alone in a file: whatever the user switches to meanwhile, this stays."""
        return cache() / "contexts" / f"{self._context.replace('/', '_')}.kubeconfig"

    def up(self) -> bool:
        lacking = missing(("kubectl", "helm"))
        if lacking:
            raise Trouble(
                f"Using the context {self._context} needs {' and '.join(lacking)} on the path."
            )
        view = ("config", "view", "--minify", "--flatten", "--raw", f"--context={self._context}")
        files.write(
            self.kubeconfig,
            run("kubectl", *view, why=f"Reading the context {self._context}"),
            mode=0o600,
        )
        if not self.is_up():
            raise Trouble(
                f"The cluster of context {self._context} doesn't answer, or its credentials have expired."
            )
        if not succeeds(*self._kubectl(), "get", "customresourcedefinition", "rayclusters.ray.io"):
            raise Trouble(
                f"KubeRay isn't installed on context {self._context}; install its operator (1.5 or later), then run this again."
            )
        return False

    def down(self) -> None:
        """It was there before."""

    def is_up(self) -> bool:
        return self.kubeconfig.exists() and succeeds(*self._kubectl(), "get", "--raw", "/readyz")

    def publish(self, targets: Sequence[str]) -> Mapping[str, str]:
        if not self._registry:
            raise Trouble(
                f"Context {self._context} needs a registry that its nodes can pull from: REGISTRY=host/path."
            )
        builder = engine.running_engine()
        return {
            image.target: engine.push(builder, image, self._registry)
            for image in images.chosen(targets)
        }

    def load(self, image: BinaryImage, binaries: Path) -> None:
        raise Trouble(
            f"The image {image.name} can't be brought to context {self._context}: only the local cluster and kind take one"
            " without a registry."
        )

    def environment(self) -> Mapping[str, str]:
        # Behind the user's own: a cluster of hers is used with her tools.
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": f"{os.environ.get('PATH', '')}{os.pathsep}{folder()}",
        }

    def status(self) -> Mapping[str, str]:
        return {"context": self._context, "registry": self._registry or "not named"}

    def _kubectl(self) -> tuple[str, ...]:
        return ("kubectl", f"--kubeconfig={self.kubeconfig}", "--request-timeout=10s")
