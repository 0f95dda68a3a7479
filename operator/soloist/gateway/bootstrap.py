"""What Envoy reads once, when it starts: where the rest is, and the page for the kubelet and for Prometheus.

Nothing here changes with a version, a weight or a limit. Where it does change, the gateway's pods must be made anew.
"""

from __future__ import annotations

from soloist.gateway.listeners import CONNECTION_MANAGER
from soloist.gateway.plan import GatewayPlan, Place
from soloist.gateway.telemetry import stats_config
from soloist.gateway.xds import Message, extension, from_file, render, seconds, socket

READY, STATS = "/ready", "/stats/prometheus"
ADMIN = "admin"
MOST_CLIENTS = 4096


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
            "overload_manager": _most_clients(),
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
    }


def _admin_cluster(place: Place) -> Message:
    endpoint = {"endpoint": {"address": socket(place.admin_address, place.admin_port)}}
    return {
        "name": ADMIN,
        "type": "STATIC",
        "connect_timeout": seconds(1),
        "load_assignment": {
            "cluster_name": ADMIN,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }


def _most_clients() -> Message:
    """Connections cost memory, which has a limit: those above the number are closed at once."""
    return {
        "resource_monitors": [
            extension(
                "envoy.resource_monitors.global_downstream_max_connections",
                "envoy.extensions.resource_monitors.downstream_connections.v3"
                ".DownstreamConnectionsConfig",
                max_active_downstream_connections=MOST_CLIENTS,
            )
        ]
    }
