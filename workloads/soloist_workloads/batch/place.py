"""A project's storage as one tree of files, whether it is a volume or a bucket."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import fs

from soloist_workloads.batch.problem import BatchProblem


@dataclass(frozen=True, slots=True)
class Place:
    """Where a batch reads and writes; paths are relative to the storage. Opened anew in each process."""

    storage: str

    def open_input(self, path: str) -> Any:
        system, root = self._open()
        return system.open_input_file(f"{root}/{path}")

    def size(self, path: str) -> int | None:
        """Bytes of a file; None when there is none."""
        system, root = self._open()
        found = system.get_file_info(f"{root}/{path}")
        return int(found.size) if found.type == fs.FileType.File else None

    def files(self, path: str) -> tuple[str, ...]:
        """The files of a folder and of the folders in it, or the file itself, by name."""
        system, root = self._open()
        top = f"{root}/{path}"
        if system.get_file_info(top).type == fs.FileType.File:
            return (path,)
        try:
            found = system.get_file_info(fs.FileSelector(top, recursive=True, allow_not_found=True))
        except (OSError, ValueError) as error:
            raise BatchProblem(f"The folder {path} can't be listed: {error}.") from None
        own = (one.path.removeprefix(f"{root}/") for one in found if one.type == fs.FileType.File)
        return tuple(sorted(own))

    def write(self, path: str, content: bytes) -> None:
        """The file is there whole or not at all.

        A bucket shows an object once it was sent to its end. A volume shows a file at once, hence the other name first, and
        the disk before the name: a node may lose power.
        """
        system, root = self._open()
        if not isinstance(system, fs.LocalFileSystem):
            with system.open_output_stream(f"{root}/{path}") as stream:
                stream.write(content)
            return
        target = Path(root) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        # A name that readers of folders leave out, and one per process: two may write at once when Ray repeats one.
        scratch = target.with_name(f".{target.name}.{os.getpid()}.writing")
        with scratch.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.rename(target)

    def remove(self, path: str) -> None:
        """Nothing happens when it is gone already."""
        system, root = self._open()
        if system.get_file_info(f"{root}/{path}").type == fs.FileType.File:
            system.delete_file(f"{root}/{path}")

    def _open(self) -> tuple[Any, str]:
        if "://" not in self.storage:
            return fs.LocalFileSystem(), self.storage
        # The Secret of a bucket becomes these variables; keys are read by the library itself.
        bucket = fs.S3FileSystem(
            endpoint_override=os.environ.get("AWS_ENDPOINT_URL"),
            region=os.environ.get("AWS_REGION"),
        )
        return bucket, self.storage.removeprefix("s3://")
