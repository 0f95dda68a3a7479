"""Whether kopf's end is noticed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from soloist.adapters.kopf_triggers import KopfTriggers
from soloist.kinds import modelendpoint

pytestmark = pytest.mark.asyncio
OURS = "modelendpoints"
# kopf itself watches namespaces and kinds.
RESOURCES = {
    "/api/v1": ("namespaces", "Namespace", False),
    "/apis/apiextensions.k8s.io/v1": ("customresourcedefinitions", "CustomResourceDefinition", False),
    "/apis/soloist.dev/v1alpha1": (OURS, "ModelEndpoint", True),
}  # fmt: skip


def pages() -> dict[str, dict[str, Any]]:
    """Three kinds, and no object of any."""
    groups: list[dict[str, Any]] = []
    found = {"/api": {"versions": ["v1"]}, "/apis": {"groups": groups}}
    for path, (plural, kind, namespaced) in RESOURCES.items():
        _, root, *group, version = path.split("/")
        if root == "apis":
            named = {"groupVersion": f"{group[0]}/{version}", "version": version}
            groups.append({"name": group[0], "versions": [named], "preferredVersion": named})
        resource = {"name": plural, "singularName": "", "kind": kind, "namespaced": namespaced}
        found[path] = {"resources": [{**resource, "verbs": ["list", "watch"]}]}
        found[f"{path}/{plural}"] = {"metadata": {"resourceVersion": "1"}, "items": []}
    return found


async def answer(request: web.Request) -> web.Response:
    """Ours is listed and can't be watched: the moment in which its definition is taken away."""
    is_watch = "watch" in request.query
    if is_watch and not request.path.endswith(OURS):
        await asyncio.sleep(60)
    found = None if is_watch else pages().get(request.path)
    return web.json_response(found or {}, status=404 if found is None else 200)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_that_kopf_gave_up_is_told(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would watch any more, and nobody would know: the process has to begin anew."""
    config = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": server}}],
        "users": [{"name": "it", "user": {"token": "t"}}],
    }
    (tmp_path / "config").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    triggers = KopfTriggers(
        (modelendpoint.KIND,), lambda key: None, lambda key, gone: None, lambda kind: None
    )
    triggers.start()
    try:
        await asyncio.wait_for(triggers.ended.wait(), 20)
    finally:
        await triggers.stop()
