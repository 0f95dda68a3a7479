"""The port `Git`: which commit a reference points to, asked of the server without cloning.

dulwich in a thread, not the git binary: the operator's image stays without git and ssh (40 MB and a surface for
argument injection through URLs), and a hung server holds one thread of four, never a zombie process.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from dulwich.client import get_transport_and_path
from dulwich.errors import GitProtocolError, NotGitRepository

from soloist.adapters.mlflow_rest import without_credentials
from soloist.api.conditions import Reason
from soloist.control.ports import Unreachable

TIMEOUT = 10.0
THREADS = 4
FULL = re.compile(r"[0-9a-f]{40}")
SHORT = re.compile(r"[0-9a-f]{7,39}")
_PEELED = b"^{}"

Credentials = tuple[str, str] | None
Refs = Mapping[bytes, bytes]


class GitRefs:
    """Remembers each answer for `fresh_for` seconds: every change of a Run wakes its Pipeline, and each wake asks."""

    def __init__(
        self,
        *,
        fresh_for: float = 60.0,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fresh_for = fresh_for
        self._timeout = timeout
        self._clock = clock
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="git")
        self._known: dict[tuple[str, str, Credentials], tuple[float, str]] = {}

    async def resolve(self, url: str, ref: str, credentials: Credentials) -> str:
        if FULL.fullmatch(ref):
            return ref
        key = (url, ref, credentials)
        known = self._known.get(key)
        if known is not None and self._clock() - known[0] < self._fresh_for:
            return known[1]
        commit = commit_of(await self._refs(url, credentials), ref)
        if commit is None:
            raise Unreachable(
                Reason.SOURCE_UNREACHABLE,
                f"{without_credentials(url)} has no branch, tag or commit {ref}. Correct source.git.ref, or push it.",
            )
        self._forget_old()
        self._known[key] = (self._clock(), commit)
        return commit

    async def _refs(self, url: str, credentials: Credentials) -> Refs:
        loop = asyncio.get_running_loop()
        where = without_credentials(url)
        try:
            async with asyncio.timeout(self._timeout):
                return await loop.run_in_executor(self._threads, _list, url, credentials)
        except TimeoutError:
            cause = f"{where} did not answer within {self._timeout:g} s"
        except NotGitRepository:
            cause = f"{where} is no Git repository, or asks for credentials"
        except (GitProtocolError, OSError, ValueError, KeyError) as error:
            cause = f"{where} can't be read ({type(error).__name__})"
        except Exception as error:  # urllib3's errors share no base with dulwich's
            cause = f"{where} can't be reached ({type(error).__name__})"
        raise Unreachable(
            Reason.SOURCE_UNREACHABLE,
            f"{cause}. Check source.git.url and, for a private repository, source.git.secretName; this goes on by "
            "itself then.",
        )

    def _forget_old(self) -> None:
        """References that nobody asks for any more must not pile up."""
        now = self._clock()
        self._known = {
            key: (at, commit)
            for key, (at, commit) in self._known.items()
            if now - at < self._fresh_for
        }


def _list(url: str, credentials: Credentials) -> Refs:
    """Blocking; runs in a thread."""
    username, password = credentials or (None, None)
    client, path = get_transport_and_path(url, username=username, password=password)
    found = client.get_refs(path.encode())
    return {bytes(name): bytes(sha) for name, sha in found.refs.items() if sha is not None}


def commit_of(refs: Refs, ref: str) -> str | None:
    """The commit of a branch, a tag (what it points to, not the tag object), a full name, HEAD or the start of a commit."""
    name = ref.encode()
    for candidate in (name, b"refs/heads/" + name, b"refs/tags/" + name):
        if candidate in refs:
            return refs.get(candidate + _PEELED, refs[candidate]).decode()
    if not SHORT.fullmatch(ref):
        return None
    tips = {sha.decode() for sha in refs.values()}
    matches = [sha for sha in tips if sha.startswith(ref)]
    return matches[0] if len(matches) == 1 else None
