"""How much of a container's memory the model's own process gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from soloist_workloads.serving.memory import read_share

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("written", "share"), [("1073741824", 768 * MIB), ("268435456", 128 * MIB), ("max", 0)]
)
def test_the_share_is_the_limit_without_the_servers_part(
    written: str, share: int, tmp_path: Path
) -> None:
    (tmp_path / "memory.max").write_text(written)
    assert read_share(tmp_path) == share
