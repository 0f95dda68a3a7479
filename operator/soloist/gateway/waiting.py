"""The rung below the last: a room in the gateway's own pod where requests wait for the champion's first pod."""

from __future__ import annotations

from soloist.gateway.plan import GatewayPlan, WaitingRoom
from soloist.gateway.xds import Message, seconds, socket, typed

WAITING = "waiting"
CONNECT_SECONDS = 0.5
PROTOCOL = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def waiting_cluster(plan: GatewayPlan, room: WaitingRoom, metadata: str) -> Message:
    """Whoever waited is answered by the champion, so that's what the answer says.

    Never probed and never taken out: it is there as long as this gateway's pod is. One request for each connection, since the
    room passes the champion's answer on byte by byte and then hangs up.
    """
    known = {"version": plan.champion.version, "rung": plan.champion.rung}
    endpoint = {
        "endpoint": {"address": socket(plan.place.admin_address, room.port)},
        "metadata": {"filter_metadata": {metadata: known}},
    }
    limits = {
        "max_connections": plan.max_connections,
        "max_pending_requests": plan.max_pending,
        "max_requests": plan.max_requests,
        "max_retries": plan.max_requests,
    }
    return {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": WAITING,
        "type": "STATIC",
        "connect_timeout": seconds(CONNECT_SECONDS),
        "load_assignment": {
            "cluster_name": WAITING,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "circuit_breakers": {"thresholds": [limits]},
        "typed_extension_protocol_options": {
            PROTOCOL: typed(
                PROTOCOL,
                explicit_http_config={"http_protocol_options": {}},
                common_http_protocol_options={"max_requests_per_connection": 1},
            )
        },
    }


def try_limit(plan: GatewayPlan) -> Message:
    """What limits one try of a version where a room is: a try in the room may take longer, so it can't be the route's
    `per_try_timeout`, which is the same for every rung."""
    return {"max_stream_duration": seconds(plan.try_timeout)} if plan.waiting else {}
