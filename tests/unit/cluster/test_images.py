"""What images are made of, and the archive around one binary."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
from pathlib import Path

import pytest

from tests.cluster import images
from tests.cluster.layout import CHECKOUT
from tests.cluster.node import outdated
from tests.cluster.oci import BinaryImage, write_archive
from tests.cluster.trouble import Trouble

DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()


def test_every_image_is_a_target_of_the_dockerfile() -> None:
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))
    assert set(images.IMAGES) <= targets


def test_everything_that_the_dockerfile_copies_is_an_input_of_some_image() -> None:
    """Else an edit would not change the tag, and the old image would be taken for the new one."""
    known = {path for image in images.IMAGES.values() for path in images.inputs(image)}
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            path = CHECKOUT / source
            wanted = {path} if path.is_file() else set(path.rglob("*.py"))
            assert wanted <= known, source


def test_a_child_changes_with_its_parent() -> None:
    runtime, example = images.IMAGES["runtime"], images.IMAGES["flight-delays"]
    assert set(images.inputs(runtime)) < set(images.inputs(example))


def test_the_tag_names_the_base() -> None:
    operator = images.IMAGES["operator"]
    assert images.tag(operator, base_image="a") != images.tag(operator, base_image="b")


def test_images_are_built_parents_first_and_an_unknown_one_is_refused() -> None:
    assert [image.target for image in images.chosen(["runtime", "mlflow"])] == ["mlflow", "runtime"]
    assert len(images.chosen([])) == len(images.IMAGES)
    with pytest.raises(Trouble, match="There is no image proxy"):
        images.chosen(["proxy"])


def test_the_base_is_an_argument_with_an_upstream_default() -> None:
    assert re.search(r"^ARG BASE=\S*python:3\.11-slim-bookworm$", DOCKERFILE, re.MULTILINE)


def test_an_archive_holds_one_program_and_names_its_image(tmp_path: Path) -> None:
    binary = tmp_path / "server"
    binary.write_bytes(b"\x7fELF")
    archive = tmp_path / "image.tar"
    write_archive(BinaryImage("localhost/server:1", "server", "/server"), binary, archive)
    with tarfile.open(archive) as tar:
        content = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]  # all are files
    described = json.loads(content["index.json"])["manifests"][0]
    assert described["annotations"]["io.containerd.image.name"] == "localhost/server:1"
    for name, blob in content.items():
        if name.startswith("blobs/"):
            assert name.endswith(hashlib.sha256(blob).hexdigest())
    manifest = json.loads(content[f"blobs/sha256/{described['digest'].removeprefix('sha256:')}"])
    layer = content[f"blobs/sha256/{manifest['layers'][0]['digest'].removeprefix('sha256:')}"]
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as tar:
        assert [(entry.name, entry.mode) for entry in tar] == [("server", 0o755)]


def test_older_versions_of_a_pulled_image_go_unless_something_runs_from_them() -> None:
    present = ["r/operator:1", "r/operator:2", "r/operator:3", "r/mlflow:1", "localhost/pause:1"]
    assert outdated(present, ["r/operator:3"], {"r/operator:2"}) == ["r/operator:1"]
