"""Whom Envoy may ask: the pods of each version, and the ladders over them.

 route ──▶ candidate ─▶ v8 ▶ v7 ▶ v6 ▶ v1        one cluster per version: its health, ejections and counters are
      └──▶ champion  ──────▶ v7 ▶ v6 ▶ v1        its own, whichever ladder a request came by

The two ladders always exist, the candidate's as a second champion's when there is none. So the routes and the clusters,
which are two files that Envoy reads one after the other, never disagree: a route may name the candidate before its pods
are known, and a version that a ladder names but that isn't there yet is passed over.
"""

from __future__ import annotations

from soloist.gateway.plan import MOST_BUFFERED_BYTES, Backend, GatewayPlan
from soloist.gateway.waiting import WAITING, try_limit, waiting_cluster
from soloist.gateway.xds import Message, extension, header, resources, seconds, socket, typed

CHAMPION, CANDIDATE = "champion", "candidate"
READY_PATH = "/v2/health/ready"
# Under which the pods' metadata holds their version and their rung.
METADATA = "soloist"

# A dead pod refuses its probe at once, and is out after two. A busy one takes its time, and must not be taken for dead:
# on a starved node all pods are slow, and then no rung would be left. One that hangs is found by the requests it fails.
PROBE_SECONDS = 1
PROBE_TIMEOUT_SECONDS = 3
DNS_SECONDS = 1
FAILURES_IN_A_ROW = 3
EJECTION_SECONDS = 3
LONGEST_EJECTION_SECONDS = 30
CONNECT_SECONDS = 0.5
# Below the serving pods' 75 s, so that it's this side that closes: a request that meets a closing connection is lost.
IDLE_SECONDS = 60


def version_cluster(version: str) -> str:
    """The name under which a version's own counters are found."""
    return f"v{version}"


def clusters(plan: GatewayPlan) -> str:
    """The file `cds.json`."""
    candidates = (*((plan.candidate,) if plan.candidate else ()), *plan.ladder)
    return resources(
        (
            *(_pods(plan, one) for one in plan.backends),
            *([waiting_cluster(plan, plan.waiting, METADATA)] if plan.waiting else []),
            _ladder(plan, CANDIDATE, candidates),
            _ladder(plan, CHAMPION, plan.ladder),
        )
    )


def _ladder(plan: GatewayPlan, name: str, rungs: tuple[Backend, ...]) -> Message:
    kind = extension(
        "envoy.clusters.aggregate",
        "envoy.extensions.clusters.aggregate.v3.ClusterConfig",
        clusters=[
            *(version_cluster(one.version) for one in rungs),
            *([WAITING] if plan.waiting else []),
        ],
    )
    return {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": name,
        "lb_policy": "CLUSTER_PROVIDED",
        "cluster_type": kind,
        "connect_timeout": seconds(CONNECT_SECONDS),
        "common_lb_config": _no_panic(),
        # All that a champion's pods drop at once when they die. What useless retries cost is `gateway.budget`'s to limit.
        "circuit_breakers": {"thresholds": [{"max_retries": plan.max_requests}]},
        # What is an error is asked of the cluster that the route names, here the ladder.
        "typed_extension_protocol_options": _protocol(
            outlier_detection={"error_matcher": _error()}
        ),
    }


def _pods(plan: GatewayPlan, backend: Backend) -> Message:
    known = {"version": backend.version, "rung": backend.rung}
    endpoint = {
        "endpoint": {"address": socket(backend.host, backend.port)},
        "metadata": {"filter_metadata": {METADATA: known}},
    }
    return {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": version_cluster(backend.version),
        "cluster_type": _addresses(),
        "lb_policy": "LEAST_REQUEST",
        "connect_timeout": seconds(CONNECT_SECONDS),
        "per_connection_buffer_limit_bytes": MOST_BUFFERED_BYTES,
        "load_assignment": {
            "cluster_name": version_cluster(backend.version),
            "endpoints": [{"lb_endpoints": [endpoint]}],
            # One healthy pod in a thousand keeps the whole load on its rung. What it can't take it refuses, and a
            # refusal is retried one rung down: that is as much as has to leave.
            "policy": {"overprovisioning_factor": 100_000},
        },
        "common_lb_config": _no_panic(),
        "health_checks": [_probe()],
        "outlier_detection": _ejection(_most_ejected(plan, backend)),
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": plan.max_connections,
                    "max_pending_requests": plan.max_pending,
                    "max_requests": plan.max_requests,
                    "max_retries": plan.max_requests,
                }
            ]
        },
        "typed_extension_protocol_options": _protocol(
            common_http_protocol_options={
                "idle_timeout": seconds(IDLE_SECONDS),
                **try_limit(plan),
            },
            outlier_detection={"error_matcher": _error()},
        ),
    }


def _addresses() -> Message:
    """Each address behind the name is a pod. Asked for every second, whatever the answer says of its age; while the
    name can't be resolved, the pods that were known stay."""
    return extension(
        "envoy.cluster.dns",
        "envoy.extensions.clusters.dns.v3.DnsCluster",
        dns_lookup_family="V4_PREFERRED",
        dns_refresh_rate=seconds(DNS_SECONDS),
        dns_failure_refresh_rate={
            "base_interval": seconds(DNS_SECONDS),
            "max_interval": seconds(2 * DNS_SECONDS),
        },
    )


def _protocol(**fields: Message) -> Message:
    name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    http1: Message = {"explicit_http_config": {"http_protocol_options": {}}}
    return {name: typed(name, **http1, **fields)}


def _no_panic() -> Message:
    """Envoy would ask sick pods when few are well. The next rung is a better answer than a sick pod's."""
    return {"healthy_panic_threshold": {"value": 0}}


def _probe() -> Message:
    return {
        "timeout": seconds(PROBE_TIMEOUT_SECONDS),
        "interval": seconds(PROBE_SECONDS),
        # Those that get no requests are probed as often: a rung is only worth something if it's known to be well.
        "no_traffic_interval": seconds(PROBE_SECONDS),
        "no_traffic_healthy_interval": seconds(PROBE_SECONDS),
        "unhealthy_threshold": 2,
        # Two, so that a pod that comes and goes isn't climbed back to each time it comes.
        "healthy_threshold": 2,
        "http_health_check": {
            "path": READY_PATH,
            "request_headers_to_add": [header("x-soloist-probe", "gateway")],
        },
    }


def _most_ejected(plan: GatewayPlan, backend: Backend) -> int:
    """The percentage of a rung's pods that may be out at once: all, for there is a next one.

    Below the last there is nothing: half of its pods stay whatever they do, for a model that fails at some requests is
    better than no model. And nobody waits for the answers to a shadow's copies: each should be seen, however it fails.
    """
    if backend == plan.candidate and plan.weight == 0:
        return 0
    return 50 if backend == plan.ladder[-1] else 100


def _ejection(most_percent: int) -> Message:
    """When a pod that says it is well is asked nothing for a while: it failed several requests in a row."""
    return {
        "consecutive_5xx": FAILURES_IN_A_ROW,
        "enforcing_consecutive_5xx": 100,
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": FAILURES_IN_A_ROW,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_consecutive_gateway_failure": 0,
        # Their statistics need several pods with a hundred requests each; judging a version is the operator's part.
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
        "enforcing_failure_percentage": 0,
        "enforcing_failure_percentage_local_origin": 0,
        "interval": seconds(0.5),
        "base_ejection_time": seconds(EJECTION_SECONDS),
        "max_ejection_time": seconds(LONGEST_EJECTION_SECONDS),
        "max_ejection_percent": most_percent,
        "always_eject_one_host": most_percent == 100,
        # Its probe is a page, its failure was a prediction: being well enough for the one says nothing of the other.
        "successful_active_health_check_uneject_host": False,
    }


def _error() -> Message:
    """What counts against a pod: every 5xx but the refusal of a busy one, which says when to come again. Taking the
    busy pods away would leave their load to the others, and then those would be busy."""

    def response(*headers: Message) -> Message:
        return {"http_response_headers_match": {"headers": list(headers)}}

    failed = response({"name": ":status", "range_match": {"start": 500, "end": 600}})
    busy = response(
        {"name": ":status", "string_match": {"exact": "503"}},
        {"name": "retry-after", "present_match": True},
    )
    return {"and_match": {"rules": [failed, {"not_match": busy}]}}
