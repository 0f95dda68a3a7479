"""A folder that changes as a mounted ConfigMap or Secret does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


class Mount:
    """Each file is a link through `..data`, which is a link itself: the kubelet makes a new folder and swaps that one
    link, so that all files change in one moment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._swaps = 0
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, content: Mapping[str, str]) -> None:
        self._swaps += 1
        real = self.folder / f"..version-{self._swaps}"
        real.mkdir()
        for name, text in content.items():
            (real / name).write_text(text)
        link = self.folder / "..data_tmp"
        link.symlink_to(real.name)
        link.rename(self.folder / "..data")
        for name in content:
            file = self.folder / name
            if not file.is_symlink():
                file.symlink_to(f"..data/{name}")
