"""The port `Pages`: what pods tell over HTTP, asked of each pod itself."""

from __future__ import annotations

import contextlib

import aiohttp

# A rollout is judged every second: a pod that is slow to answer is left out of one look, not waited for.
TIMEOUT = aiohttp.ClientTimeout(total=1)
# A gateway takes this from whoever comes through it, so what has it comes from beside it.
BESIDE = {"content-type": "application/json", "x-soloist-comparison": "true"}


class PodPages:
    """Read without credentials: the pages hold numbers only, and a NetworkPolicy says who may ask."""

    def __init__(self, timeout: aiohttp.ClientTimeout = TIMEOUT) -> None:
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, url: str) -> str:
        try:
            async with self._open().get(url) as answer:
                return await answer.text(errors="replace") if answer.status == 200 else ""
        except (aiohttp.ClientError, TimeoutError, OSError):
            return ""

    async def post(self, url: str, message: str) -> None:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with self._open().post(url, data=message, headers=BESIDE):
                pass

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        return self._session
