"""What Envoy reads once, when it starts: where the rest is, and the page for the kubelet and for Prometheus.

Nothing here changes with a version, a weight or a limit. Where it does change, the gateway's pods must be made anew.
"""

from __future__ import annotations

from soloist.gateway.listeners import CONNECTION_MANAGER
from soloist.gateway.plan import MOST_MEMORY_BYTES, GatewayPlan, Place
from soloist.gateway.telemetry import stats_config
from soloist.gateway.xds import Message, extension, from_file, render, seconds, socket

READY, STATS = "/ready", "/stats/prometheus"
ADMIN, ADMIN_SECONDS = "admin", 5
# Measured: 15 MB of heap when idle, some 30 kB more for each client and its request.
MOST_CLIENTS = 2048
# Of the pod's memory (`MOST_MEMORY_BYTES`); what is left is for the program's own pages and the sockets' buffers.
MOST_HEAP_SHARE = 0.6
LOOK_EVERY_SECONDS = 0.25


def bootstrap(plan: GatewayPlan) -> str:
    """The file `bootstrap.json`."""
    place = plan.place
    return render(
        {
            "node": {"id": plan.name, "cluster": f"{plan.namespace}/{plan.name}"},
            "admin": {"address": socket(place.admin_address, place.admin_port)},
            "dynamic_resources": {
                "lds_config": from_file(place.folder, "lds.json"),
                "cds_config": from_file(place.folder, "cds.json"),
            },
            "static_resources": {
                "listeners": [_stats_listener(place)],
                "clusters": [_admin_cluster(place)],
            },
            "stats_config": stats_config(),
            # Histograms are summed up this often; a rollout that waits for five seconds' worth is five seconds late.
            "stats_flush_interval": seconds(1),
            "overload_manager": _limits(),
        }
    )


def _stats_listener(place: Place) -> Message:
    """Two pages of the admin API, and no way to its others."""
    pages = [{"match": {"path": path}, "route": {"cluster": ADMIN}} for path in (READY, STATS)]
    connections = extension(
        "envoy.filters.network.http_connection_manager",
        CONNECTION_MANAGER,
        stat_prefix="stats",
        codec_type="HTTP1",
        http_filters=[
            extension("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router")
        ],
        route_config={
            "name": "stats",
            "virtual_hosts": [{"name": "stats", "domains": ["*"], "routes": pages}],
        },
        request_headers_timeout=seconds(5),
    )
    return {
        "name": "stats",
        "address": socket(place.address, place.stats_port),
        "filter_chains": [{"filters": [connections]}],
        # A gateway that is full must still be able to say so.
        "ignore_global_conn_limit": True,
        "bypass_overload_manager": True,
    }


def _admin_cluster(place: Place) -> Message:
    endpoint = {"endpoint": {"address": socket(place.admin_address, place.admin_port)}}
    return {
        "name": ADMIN,
        "type": "STATIC",
        # It is in this very process: late only where the process is, and then a refusal would tell nothing.
        "connect_timeout": seconds(ADMIN_SECONDS),
        "load_assignment": {
            "cluster_name": ADMIN,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }


def _limits() -> Message:
    """Clients cost memory, which has a limit that ends the gateway, and with it everybody's requests. So connections above a
    number are closed at once; and where large bodies fill the heap all the same, what can be given back is, and the
    next requests are refused with 503.
    """
    monitors = "envoy.resource_monitors"
    types = "envoy.extensions.resource_monitors"
    heap = f"{monitors}.fixed_heap"
    return {
        "refresh_interval": seconds(LOOK_EVERY_SECONDS),
        "resource_monitors": [
            extension(
                f"{monitors}.global_downstream_max_connections",
                f"{types}.downstream_connections.v3.DownstreamConnectionsConfig",
                max_active_downstream_connections=MOST_CLIENTS,
            ),
            extension(
                heap,
                f"{types}.fixed_heap.v3.FixedHeapConfig",
                max_heap_size_bytes=str(int(MOST_MEMORY_BYTES * MOST_HEAP_SHARE)),
            ),
        ],
        "actions": [
            _from("envoy.overload_actions.shrink_heap", heap, 0.8),
            _from("envoy.overload_actions.disable_http_keepalive", heap, 0.9),
            _from("envoy.overload_actions.stop_accepting_requests", heap, 0.95),
        ],
    }


def _from(action: str, resource: str, share: float) -> Message:
    """The action, from this share of the resource on."""
    return {"name": action, "triggers": [{"name": resource, "threshold": {"value": share}}]}
