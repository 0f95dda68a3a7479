"""What the rest of the project may ask of a cluster, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tests.cluster.oci import BinaryImage


class Cluster(Protocol):
    """A Kubernetes with KubeRay, and a way to bring images to its nodes."""

    @property
    def name(self) -> str: ...

    @property
    def kubeconfig(self) -> Path: ...

    def up(self) -> bool:
        """Make it usable; True when it was not already up, so that whoever asked knows whether to take it down."""

    def down(self) -> None:
        """Take away what `up` made, and nothing else."""

    def is_up(self) -> bool: ...

    def publish(self, targets: Sequence[str]) -> Mapping[str, str]:
        """Build the images of these targets where needed; returns the reference that a pod pulls, by target."""

    def load(self, image: BinaryImage, binaries: Path) -> None:
        """Have the image around the binary in this folder on the nodes, without a registry."""

    def status(self) -> Mapping[str, str]:
        """Its parts and how each is."""

    def environment(self) -> Mapping[str, str]:
        """What a shell needs to use it: KUBECONFIG, and a PATH with matching tools."""
