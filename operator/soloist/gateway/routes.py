"""Which version is asked: the split between champion and candidate, the copies that a candidate gets.

A file of its own, because this is what a rollout changes every minute: new routes take no connection down, a new
listener would.
"""

from __future__ import annotations

from soloist.gateway.clusters import CANDIDATE, CHAMPION, METADATA, version_cluster
from soloist.gateway.plan import MOST_BUFFERED_BYTES, GatewayPlan
from soloist.gateway.retries import retry_policy
from soloist.gateway.xds import Message, header, percent, resources, seconds, typed

ROUTES = "gateway"
BUFFER = "envoy.filters.http.buffer"
VERSION_HEADER, RUNG_HEADER = "x-soloist-version", "x-soloist-rung"
API_KEY_HEADER = "x-api-key"
# On copies only: that it is one, and where to ask for the champion's answer. The third a version sets when it asks.
SHADOW_HEADER, CHAMPION_HEADER = "x-soloist-shadow", "x-soloist-champion"
COMPARISON_HEADER = "x-soloist-comparison"
# Envoy's own: which try of a request this is.
TRIES_HEADER = "x-envoy-attempt-count"
# Who asks is the gateway's business; the model gets features.
KEPT_FROM_PODS = (
    "authorization",
    "cookie",
    "proxy-authorization",
    API_KEY_HEADER,
    VERSION_HEADER,
    RUNG_HEADER,
    SHADOW_HEADER,
    CHAMPION_HEADER,
    COMPARISON_HEADER,
    "x-envoy-external-address",
    "x-envoy-internal",
    "x-forwarded-for",
)


def routes(plan: GatewayPlan) -> str:
    """The file `rds.json`."""
    everything = {
        "name": "gateway",
        "domains": ["*"],
        "include_request_attempt_count": True,
        # To the retry budget, which takes it off the answer.
        "include_attempt_count_in_response": True,
        # What a retry would need and isn't there any more is not tried again.
        "per_request_buffer_limit_bytes": MOST_BUFFERED_BYTES,
        "routes": [_pod_metrics(), _too_large(plan), _whole(plan), _passed_on(plan)],
    }
    return resources(
        [
            {
                "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
                "name": ROUTES,
                "virtual_hosts": [everything],
                "request_headers_to_remove": list(KEPT_FROM_PODS),
                "response_headers_to_add": [
                    # The pod that answered says so, not the route: after a retry it's another than was asked first.
                    header(VERSION_HEADER, f"%UPSTREAM_METADATA({METADATA}:version)%"),
                    header(RUNG_HEADER, f"%UPSTREAM_METADATA({METADATA}:rung)%"),
                ],
            }
        ]
    )


def _pod_metrics() -> Message:
    """One pod's metrics, by chance the one or the other, are no use to a client."""
    return {"match": {"path": "/metrics"}, "direct_response": {"status": 404}}


def _too_large(plan: GatewayPlan) -> Message:
    """Known before a byte of it has come."""
    match = {"prefix": "/", "headers": [_length(plan.max_body_bytes + 1, 2**62)]}
    return {"match": match, "direct_response": {"status": 413}}


def _whole(plan: GatewayPlan) -> Message:
    match = {"prefix": "/", "headers": [_length(0, MOST_BUFFERED_BYTES)]}
    return {"match": match, "route": _action(plan, with_copies=True)}


def _passed_on(plan: GatewayPlan) -> Message:
    """Large bodies, those of unknown length (pods have the same limit), and requests without one. Held as a whole, a few dozen
    large ones would fill the gateway's memory, and end it for everybody."""
    streamed = typed("envoy.extensions.filters.http.buffer.v3.BufferPerRoute", disabled=True)
    return {
        "match": {"prefix": "/"},
        "route": _action(plan, with_copies=False),
        "typed_per_filter_config": {BUFFER: streamed},
    }


def _length(least: int, most: int) -> Message:
    return {"name": "content-length", "range_match": {"start": str(least), "end": str(most + 1)}}


def _action(plan: GatewayPlan, *, with_copies: bool) -> Message:
    """The candidate stands first: a request's place is its hash modulo 100, and the candidate's places are those below
    its weight. So when the weight grows, whoever had the candidate keeps it."""
    split: Message = {
        "clusters": [
            {"name": CANDIDATE, "weight": plan.weight},
            {"name": CHAMPION, "weight": 100 - plan.weight},
        ],
        "use_hash_policy": True,
    }
    action: Message = {
        "weighted_clusters": split,
        "timeout": seconds(plan.longest_seconds),
        "retry_policy": retry_policy(plan),
        "cluster_not_found_response_code": "SERVICE_UNAVAILABLE",
    }
    if plan.sticky_header:
        action["hash_policy"] = [{"header": {"header_name": plan.sticky_header}}]
    else:
        del split["use_hash_policy"]
    if with_copies and plan.candidate and plan.shadow_percent and not plan.weight:
        action["request_mirror_policies"] = [_mirror(version_cluster(plan.candidate.version), plan)]
    return action


def _mirror(cluster: str, plan: GatewayPlan) -> Message:
    """Straight to the version and not by its ladder: a copy that fails is a finding, nobody waits for it."""
    champion = f"{plan.champion.host}:{plan.champion.port}"
    marks = (header(SHADOW_HEADER, "true"), header(CHAMPION_HEADER, champion))
    return {
        "cluster": cluster,
        "runtime_fraction": percent(plan.shadow_percent),
        "disable_shadow_host_suffix_append": True,
        "request_headers_mutations": [{"append": mark} for mark in marks],
    }
