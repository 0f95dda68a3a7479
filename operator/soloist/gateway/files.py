"""A plan's files, and how Envoy is started on them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from soloist.gateway.bootstrap import bootstrap
from soloist.gateway.clusters import clusters
from soloist.gateway.listeners import listeners, secrets
from soloist.gateway.plan import GatewayPlan
from soloist.gateway.routes import routes

BOOTSTRAP = "bootstrap.json"


@lru_cache(maxsize=1024)
def files(plan: GatewayPlan) -> Mapping[str, str]:
    """The content of the ConfigMap. The same plan gives the same text, to the byte.

    Kept, because one look at an endpoint asks for them several times, and most looks find the plan of the one before.

    Every plan has the same files. The kubelet swaps the content of all in one moment, but makes the name of a new one after that:
    a listener that speaks of it meanwhile is refused by Envoy, for good, and the gateway goes on as before.
    """
    written = {
        BOOTSTRAP: bootstrap(plan),
        "cds.json": clusters(plan),
        "lds.json": listeners(plan),
        "rds.json": routes(plan),
        "sds.json": secrets(plan.tls),
    }
    return MappingProxyType(written)


def versions(written: Mapping[str, str]) -> Mapping[str, str]:
    """By file, the version that Envoy tells once it follows the file (`Reading.is_live`)."""
    followed = ("cds.json", "lds.json", "rds.json")
    return {name: json.loads(written[name])["version_info"] for name in followed}


def args(plan: GatewayPlan) -> tuple[str, ...]:
    """Arguments of `envoy`.

    A new listener takes over at once; the old one's connections end with their next answer, and the rest of them after
    the longest request.
    """
    drain = max(plan.drain_seconds, math.ceil(plan.longest_seconds) + 5)
    return (
        "--config-path",
        f"{plan.place.folder}/{BOOTSTRAP}",
        "--concurrency",
        str(plan.workers),
        "--drain-strategy",
        "immediate",
        "--drain-time-s",
        str(drain),
        "--log-level",
        "warning",
        "--disable-hot-restart",
    )
