"""Files that are whole or absent, and digests that see what matters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster import files


def test_a_folder_that_failed_while_it_was_filled_is_not_there(tmp_path: Path) -> None:
    place = tmp_path / "bin"

    def fill() -> None:
        with files.whole(place) as half:
            (half / "first").write_text("1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    place = tmp_path / "bin"
    for name in ("old", "new"):
        with files.whole(place) as half:
            (half / name).touch()
    assert [path.name for path in place.iterdir()] == ["new"]


def test_a_written_file_leaves_nothing_beside_it(tmp_path: Path) -> None:
    files.write(tmp_path / "deep" / "config", "a", mode=0o600)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["config"]
    assert (tmp_path / "deep" / "config").stat().st_mode & 0o777 == 0o600


def digest(folder: Path, salt: str = "") -> str:
    return files.digest(files.sources(folder), under=folder, salt=salt)


def test_a_digest_changes_with_content_name_mode_and_salt(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_text("1")
    seen = [digest(tmp_path), digest(tmp_path, "base")]
    source.write_text("2")
    seen.append(digest(tmp_path))
    source.chmod(0o755)
    seen.append(digest(tmp_path))
    source.rename(tmp_path / "b")
    seen.append(digest(tmp_path))
    assert len(set(seen)) == len(seen)


def test_a_digest_ignores_what_python_and_editors_leave_behind(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("x")
    (tmp_path / "a.py~").write_text("x")
    assert digest(tmp_path) == before
