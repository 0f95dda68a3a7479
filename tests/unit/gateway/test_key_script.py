"""The keys' script, run by the real bash on a folder that changes as a mounted Secret does."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from soloist.gateway.key_script import is_rendered, key_script
from soloist.gateway.keys import render_keys
from tests.gateway.mount import Mount


class Scribe:
    """The script at work."""

    def __init__(self, folder: Path) -> None:
        self.mount = Mount(folder / "given keys")
        self.folder = folder / "it's written"
        self.folder.mkdir()
        self.log = folder / "log"
        self.command = key_script(str(self.mount.folder), str(self.folder))

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        with self.log.open("wb") as out:
            process = subprocess.Popen(self.command, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def written(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "api-keys.json").read_text()))

    def clients(self) -> dict[str, str]:
        (resource,) = self.written()["resources"]
        return {one["client"]: one["key"] for one in resource["typed_config"]["credentials"]}

    def is_ready(self) -> bool:
        return subprocess.run(is_rendered(str(self.folder)), check=False).returncode == 0


@pytest.fixture
def scribe(tmp_path: Path) -> Scribe:
    return Scribe(tmp_path)


def eventually(holds: Callable[[], bool], *, within: float = 30) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_file_is_the_one_that_python_would_write(scribe: Scribe) -> None:
    keys = {"shop": "0aZ-._~+/=", "depot.eu_1": "!#$%&'()*,:;<>?@[]^`{|}"}
    scribe.mount.write(keys)
    assert not scribe.is_ready()
    with scribe.running():
        eventually(scribe.is_ready)
        # Told once the file is there.
        eventually(lambda: scribe.log.read_text() == "Clients with a key: 2\n")
    assert scribe.written()["resources"] == json.loads(render_keys(keys))["resources"]


def test_nobody_else_can_read_it(scribe: Scribe) -> None:
    scribe.mount.write({"shop": "k"})
    with scribe.running():
        eventually(scribe.is_ready)
    assert (scribe.folder / "api-keys.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "it is empty"),
        ('a"},{"client":"me', "a quote"),
        ("a\\u0062", "a backslash"),
        ("two words", "a space"),
        ("two\nlines", "a space"),
        ("schlüssel", "beyond ASCII"),
        ("a\x00b", "it is empty"),
        ("the-key-of-ada", "client ada has the same"),
    ],
    ids=["empty", "quote", "backslash", "space", "newline", "umlaut", "nul", "twice"],
)
def test_what_can_t_be_a_key_is_left_out_and_told_but_not_shown(
    scribe: Scribe, key: str, why: str
) -> None:
    scribe.mount.write({"ada": "the-key-of-ada", "bob": key, "eve": "the-key-of-eve"})
    with scribe.running():
        eventually(scribe.is_ready)
    assert scribe.clients() == {"ada": "the-key-of-ada", "eve": "the-key-of-eve"}
    said = scribe.log.read_text()
    assert "The key of client bob is left out: " in said
    assert why in said
    assert "the-key" not in said


@pytest.mark.parametrize("sign", ["*", "@", "]", "$x", "$(exit)", "`x`", "'"])
def test_a_sign_that_means_something_to_bash_is_a_sign(scribe: Scribe, sign: str) -> None:
    keys = {"ada": sign, "bob": f"{sign}2", "eve": "other"}
    scribe.mount.write(keys)
    with scribe.running():
        eventually(scribe.is_ready)
    assert scribe.clients() == keys


def test_a_line_end_that_an_editor_left_is_no_part_of_the_key(scribe: Scribe) -> None:
    scribe.mount.write({"unix": "one\n", "windows": "two\r\n", ".hidden": "three"})
    with scribe.running():
        eventually(scribe.is_ready)
    assert scribe.clients() == {"unix": "one", "windows": "two", ".hidden": "three"}


def test_a_change_is_taken_up_whole(scribe: Scribe) -> None:
    scribe.mount.write({"ada": "old", "bob": "stays"})
    with scribe.running():
        eventually(scribe.is_ready)
        before = scribe.written()["version_info"]
        scribe.mount.write({"bob": "stays", "eve": "new"})
        seen = set()

        def it_changed() -> bool:
            seen.add(tuple(sorted(scribe.clients().items())))
            return len(seen) == 2

        eventually(it_changed)
        assert seen == {
            (("ada", "old"), ("bob", "stays")),
            (("bob", "stays"), ("eve", "new")),
        }
        assert scribe.written()["version_info"] != before


def test_a_secret_without_a_key_lets_nobody_in_and_starts_envoy(scribe: Scribe) -> None:
    scribe.mount.write({})
    with scribe.running():
        eventually(scribe.is_ready)
    assert scribe.clients() == {}


def test_it_ends_when_it_is_told_to(scribe: Scribe) -> None:
    scribe.mount.write({"ada": "one"})
    with scribe.running() as process:
        eventually(scribe.is_ready)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def test_five_thousand_keys_need_little_memory(scribe: Scribe) -> None:
    """About as many as a Secret can hold."""
    keys = {f"client-{number}": f"{number:064x}" for number in range(5_000)}
    scribe.mount.write(keys)
    with scribe.running() as process:
        eventually(scribe.is_ready, within=300)
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak_kb = int(status.split("VmHWM:")[1].split()[0])
    assert len(scribe.clients()) == 5_000
    assert peak_kb < 32 * 1024
