"""What the loop may expect of Git servers; here over HTTP, with the wire protocol of any of them."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from dulwich import porcelain
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain

from soloist.adapters.git_refs import GitRefs, commit_of
from soloist.control.ports import Unreachable
from tests.cluster.ports import free_ports

pytestmark = pytest.mark.asyncio
LOGIN = ("ada", "secret")


@dataclass
class Served:
    """A repository with two commits on main, a branch, and both kinds of tags on the first."""

    url: str
    private_url: str
    first: str
    second: str
    repo: Repo

    def commit(self) -> str:
        return _commit(self.repo)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


def _commit(repo: Repo) -> str:
    made: bytes = porcelain.commit(
        repo, message=b"one", author=b"a <a@b>", committer=b"a <a@b>", sign=False
    )
    return made.decode()


def _guarded(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    wanted = "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode()

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        private = environ["PATH_INFO"].startswith("/private")
        if private and environ.get("HTTP_AUTHORIZATION") != wanted:
            start("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="git"')])
            return [b""]
        return app(environ, start)

    return answer


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("git")
    repo = porcelain.init(folder)
    repo.refs.set_symbolic_ref(b"HEAD", b"refs/heads/main")
    first = _commit(repo)
    porcelain.tag_create(repo, b"light")
    porcelain.tag_create(repo, b"heavy", author=b"a <a@b>", message=b"v", annotated=True)
    porcelain.branch_create(repo, "old")
    second = _commit(repo)
    (port,) = free_ports(1)
    app = make_wsgi_chain(DictBackend({"/one": repo, "/private": repo}))
    server = make_server("127.0.0.1", port, _guarded(app), handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    root = f"http://127.0.0.1:{port}"
    yield Served(f"{root}/one", f"{root}/private", first, second, repo)
    server.shutdown()


@pytest.mark.parametrize(
    ("ref", "which"),
    [
        ("HEAD", "second"),
        ("main", "second"),
        ("old", "first"),
        ("light", "first"),
        ("heavy", "first"),
        ("refs/heads/old", "first"),
    ],
)
async def test_a_reference_is_its_commit(served: Served, ref: str, which: str) -> None:
    assert await GitRefs().resolve(served.url, ref, None) == getattr(served, which)


async def test_the_beginning_of_a_commit_is_enough(served: Served) -> None:
    assert await GitRefs().resolve(served.url, served.first[:10], None) == served.first


async def test_a_whole_commit_asks_nobody() -> None:
    assert await GitRefs().resolve("https://nowhere.invalid/x", "a" * 40, None) == "a" * 40


async def test_a_reference_that_is_not_there_is_named(served: Served) -> None:
    with pytest.raises(Unreachable, match="has no branch, tag or commit gone") as caught:
        await GitRefs().resolve(served.url, "gone", None)
    assert caught.value.reason == "SourceUnreachable"


async def test_a_private_repository_wants_its_login(served: Served) -> None:
    assert await GitRefs().resolve(served.private_url, "main", LOGIN) == served.second
    for login in (None, ("ada", "wrong")):
        with pytest.raises(Unreachable, match=r"source\.git\.secretName") as caught:
            await GitRefs().resolve(served.private_url, "main", login)
        assert "wrong" not in str(caught.value)


async def test_a_server_that_is_not_there_is_one_plain_sentence() -> None:
    (port,) = free_ports(1)
    with pytest.raises(Unreachable, match=r"Check source\.git\.url"):
        await GitRefs().resolve(f"http://127.0.0.1:{port}/one", "main", None)


async def test_an_answer_is_remembered_for_a_while(served: Served) -> None:
    now = [0.0]
    refs = GitRefs(fresh_for=60, clock=lambda: now[0])
    before = await refs.resolve(served.url, "main", None)
    after = served.commit()
    assert await refs.resolve(served.url, "main", None) == before
    now[0] = 61
    assert await refs.resolve(served.url, "main", None) == after


async def test_two_commits_that_begin_alike_are_neither() -> None:
    refs = {b"refs/heads/a": b"abcdef0" + b"1" * 33, b"refs/heads/b": b"abcdef0" + b"2" * 33}
    assert commit_of(refs, "abcdef0") is None
    assert commit_of(refs, "abcdef01") == "abcdef0" + "1" * 33
