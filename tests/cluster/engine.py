"""Images built by a running container engine, for clusters that aren't the local one."""

from __future__ import annotations

import shutil

from tests.cluster import files, images
from tests.cluster.images import Image
from tests.cluster.layout import CHECKOUT, cache
from tests.cluster.phases import phase
from tests.cluster.tools import run, succeeds
from tests.cluster.trouble import Trouble

ENGINES = ("docker", "podman")
# The Dockerfile's own default base.
UPSTREAM = "upstream"


def running_engine() -> str | None:
    """The first engine that answers; a client without its daemon doesn't count."""
    return next((name for name in ENGINES if shutil.which(name) and succeeds(name, "info")), None)


def build(engine: str, image: Image, prefix: str) -> str:
    """Build one target of the Dockerfile on its upstream base; returns the reference."""
    reference = f"{prefix}/{image.name}:{images.tag(image, base_image=UPSTREAM)}"
    if not succeeds(engine, "image", "inspect", reference):
        with phase(f"building {image.name} with {engine}"):
            command = (
                engine,
                "build",
                "--target",
                image.target,
                "--tag",
                reference,
                "--file",
                CHECKOUT / "Dockerfile",
            )
            run(*command, CHECKOUT, why=f"Building the image {image.name}")
    return reference


def push(engine: str | None, image: Image, registry: str) -> str:
    """Build and push to a registry that the user named; without an engine, buildah does both."""
    if engine:
        reference = build(engine, image, registry)
        with phase(f"pushing {reference}"):
            run(engine, "push", reference, why=f"Pushing {reference}")
        return reference
    if not shutil.which("buildah"):
        raise Trouble("Building images needs docker, podman or buildah; none of them runs here.")
    with files.lock(cache() / "images.lock"):
        return images.publish_with_buildah(image, registry)
