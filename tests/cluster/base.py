"""The base image where none can be pulled: Debian with its Python, made by mmdebstrap from Debian's own packages."""

from __future__ import annotations

import hashlib
import os

from tests.cluster import files
from tests.cluster.layout import cache
from tests.cluster.phases import phase
from tests.cluster.tools import run

SUITE = "bookworm"
PACKAGES = ("python3", "python3-venv", "ca-certificates")
# What nobody reads inside a container.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
EPOCH = "1735689600"  # fixed, so that making it again gives the same layer


def name() -> str:
    made_of = hashlib.sha256(repr((SUITE, PACKAGES, LEFT_OUT, EPOCH)).encode()).hexdigest()[:12]
    return f"localhost/soloist-base:{made_of}"


def ensure_base() -> None:
    """The base in buildah's store. The archive is kept apart, so that an emptied store costs seconds, not minutes."""
    from tests.cluster.images import buildah  # images builds on this module

    if name() in buildah("images", "--format", "{{.Name}}:{{.Tag}}", why="Listing images").split():
        return
    folder = cache() / "base" / name().rpartition(":")[2]
    if not folder.exists():
        with (
            phase("making the base image from Debian's packages (once; about a minute)"),
            files.whole(folder) as half,
        ):
            excluded = [f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT]
            command = (
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                f"--include={','.join(PACKAGES)}",
                *excluded,
            )
            environment = {"SOURCE_DATE_EPOCH": EPOCH, "TMPDIR": os.environ.get("TMPDIR", "/tmp")}
            run(
                *command,
                SUITE,
                half / "base.tar",
                why="Making the base image",
                environment=environment,
            )
    with phase("unpacking the base image"):
        recipe = folder / "Dockerfile"
        recipe.write_text('FROM scratch\nADD base.tar /\nCMD ["python3"]\n')
        buildah(
            "bud", "--isolation", "chroot", "--tag", name(), folder, why="Unpacking the base image"
        )
