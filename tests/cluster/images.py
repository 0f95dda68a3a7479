"""The project's images: what each is made of, and how it is built and published.

A tag is the digest of what the image is made of: an unchanged image is neither built nor pushed nor pulled again, and a
changed one never hides behind an old name.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import base, files, registry
from tests.cluster.layout import CHECKOUT, cache
from tests.cluster.phases import phase
from tests.cluster.tools import run
from tests.cluster.trouble import Trouble


@dataclass(frozen=True, slots=True)
class Image:
    """A target of the Dockerfile, and the files that it copies."""

    target: str
    inputs: tuple[str, ...]
    parent: str | None = None

    @property
    def name(self) -> str:
        return f"soloist-{self.target}"


IMAGES = {
    image.target: image
    for image in (
        Image(
            "operator",
            (
                "images/python",
                "requirements/installer.txt",
                "requirements/operator.txt",
                "operator/soloist",
            ),
        ),
        Image("mlflow", ("images/python", "requirements/installer.txt", "requirements/mlflow.txt")),
        Image(
            "runtime", ("requirements/runtime.txt", "workloads/soloist_workloads"), parent="mlflow"
        ),
        Image(
            "flight-delays",
            ("requirements/flight-delays.txt", "workloads/examples/flight-delays/image"),
            parent="runtime",
        ),
        Image(
            "gateway", ("images/python", "requirements/installer.txt", "requirements/gateway.txt")
        ),
        Image("postgres", ("images/postgres",)),
    )
}


def inputs(image: Image) -> list[Path]:
    """Every file that the image depends on, its parent's included."""
    above = inputs(IMAGES[image.parent]) if image.parent else files.sources(CHECKOUT / "Dockerfile")
    own = [path for name in image.inputs for path in files.sources(existing(name))]
    return sorted({*above, *own})


def existing(name: str) -> Path:
    path = CHECKOUT / name
    if not path.exists():
        raise Trouble(f"The image needs {name}, which is not in this checkout.")
    return path


def tag(image: Image, *, base_image: str) -> str:
    return files.digest(inputs(image), under=CHECKOUT, salt=base_image)


def chosen(targets: Sequence[str]) -> list[Image]:
    """The named images in the order of building; all when none is named."""
    unknown = sorted(set(targets) - set(IMAGES))
    if unknown:
        raise Trouble(f"There is no image {', '.join(unknown)}; there are {', '.join(IMAGES)}.")
    return [image for image in IMAGES.values() if not targets or image.target in targets]


def publish_locally(targets: Sequence[str]) -> Mapping[str, str]:
    """Build with buildah on the local base, and push to the registry on loopback what it doesn't hold."""
    made_of = base.name()
    published = {}
    for image in chosen(targets):
        version = tag(image, base_image=made_of)
        reference = f"{registry.HOST}/{image.name}:{version}"
        if not registry.holds(image.name, version):
            base.ensure_base()
            # What a build that was killed left behind.
            buildah("rm", "--all", why="Clearing what an earlier build left")
            with phase(f"building {image.name}"):
                build(image, reference, made_of)
            with phase(f"pushing {image.name}"):
                push(reference)
        published[image.target] = reference
    return published


def publish_with_buildah(image: Image, prefix: str) -> str:
    """Build on the upstream base and push to a registry elsewhere, with the machine's own trust and credentials."""
    reference = f"{prefix}/{image.name}:{tag(image, base_image='upstream')}"
    with phase(f"building and pushing {reference}"):
        flags = ("--layers", "--isolation", "chroot", "--target", image.target, "--tag", reference)
        buildah(
            "bud",
            *flags,
            "--file",
            CHECKOUT / "Dockerfile",
            CHECKOUT,
            why=f"Building the image {image.name}",
        )
        buildah("push", reference, f"docker://{reference}", why=f"Pushing {reference}")
    return reference


def buildah(*words: str | Path, why: str) -> str:
    """Its own store in the cache, apart from any other use of buildah on the machine."""
    store = (
        "--root",
        cache() / "buildah",
        "--runroot",
        cache() / "buildah-run",
        "--storage-driver",
        "overlay",
    )
    return run("buildah", *store, *words, why=why)


def build(image: Image, reference: str, made_of: str) -> None:
    # chroot: no cgroups or namespaces of a container engine are needed, which many containers and virtual machines lack.
    flags = (
        "--layers",
        "--isolation",
        "chroot",
        "--pull-never",
        "--target",
        image.target,
        "--tag",
        reference,
    )
    words = (
        "bud",
        *flags,
        "--build-arg",
        f"BASE={made_of}",
        *machine_mounts(),
        "--file",
        CHECKOUT / "Dockerfile",
    )
    buildah(*words, CHECKOUT, why=f"Building the image {image.name}")


def machine_mounts() -> list[str | Path]:
    """How this machine reaches its package registries: its certificates and its settings of apt, pip and uv.

    They are mounted while building and never become part of an image.
    """
    wanted = {
        "/etc/ssl/certs/ca-certificates.crt": "/etc/ssl/certs/ca-certificates.crt",
        str(apt_settings()): "/etc/apt",
        "/usr/share/keyrings": "/usr/share/keyrings",
        "/etc/pip.conf": "/etc/pip.conf",
        str(uv_settings()): "/etc/uv/uv.toml",
    }
    present = {here: there for here, there in wanted.items() if Path(here).exists()}
    return [
        word
        for here, there in present.items()
        for word in ("--volume", f"{here}:{there}:{access(there)}")
    ]


def access(mounted: str) -> str:
    return "rw" if mounted == "/etc/apt" else "ro"


def apt_settings() -> Path:
    # A copy: some packages add a file of their own there while they are installed.
    with files.whole(cache() / "apt") as half:
        shutil.copytree("/etc/apt", half, dirs_exist_ok=True)
    return cache() / "apt"


def uv_settings() -> Path:
    # uv trusts a list of its own unless it is told to trust the machine's.
    return files.write(cache() / "uv.toml", "native-tls = true\n")


def push(reference: str) -> None:
    # Packed fast, not small: the layers only cross loopback.
    flags = (
        "--tls-verify=false",
        "--compression-format",
        "zstd",
        "--compression-level",
        "1",
        "--format",
        "oci",
    )
    buildah("push", *flags, reference, f"docker://{reference}", why=f"Pushing {reference}")


def remove_all() -> None:
    """Forget every built layer and every pushed image."""
    for name in ("buildah", "buildah-run", "registry"):
        shutil.rmtree(cache() / name, ignore_errors=True)
