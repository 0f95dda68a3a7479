"""The operator's own endpoints: /healthz, /readyz, /metrics."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST


async def serve_health(
    port: int,
    *,
    healthy: Callable[[], bool],
    ready: Callable[[], bool],
    metrics: Callable[[], bytes],
) -> web.AppRunner:
    """Serve until the runner is cleaned up. A replica that waits for the lease is ready: it can take over."""

    async def healthz(request: web.Request) -> web.Response:
        return _answer(healthy())

    async def readyz(request: web.Request) -> web.Response:
        return _answer(ready())

    async def page(request: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", page)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    # In a pod every interface is the pod's own; the kubelet and Prometheus come from outside it.
    await web.TCPSite(runner, "0.0.0.0", port).start()  # noqa: S104
    return runner


def _answer(good: bool) -> web.Response:
    return web.Response(text="ok" if good else "not ok", status=200 if good else 503)
