"""Where clients come in."""

from __future__ import annotations

from soloist.gateway.filters import http_filters
from soloist.gateway.plan import MOST_BUFFERED_BYTES, GatewayPlan, Tls
from soloist.gateway.replies import local_replies
from soloist.gateway.routes import ROUTES
from soloist.gateway.telemetry import access_logs
from soloist.gateway.xds import (
    Message,
    extension,
    from_file,
    resources,
    seconds,
    socket,
    typed,
)

LISTENER = "gateway"
CERTIFICATE = "certificate"
CONNECTION_MANAGER = (
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
# A client that keeps a connection for ever would never find a gateway pod that was added.
OLDEST_CONNECTION_SECONDS = 600
IDLE_SECONDS = 300
HEADERS_SECONDS = 10
MOST_HEADER_KB = 32
# No client comes from here. An empty list would mean the private networks, that is, the whole cluster.
NOBODY = {"address_prefix": "255.255.255.255", "prefix_len": 32}


def listeners(plan: GatewayPlan) -> str:
    """The file `lds.json`."""
    chain: Message = {
        "filters": [
            extension(
                "envoy.filters.network.http_connection_manager",
                CONNECTION_MANAGER,
                **_connections(plan),
            )
        ]
    }
    if plan.tls:
        chain["transport_socket"] = _tls(plan)
    return resources(
        [
            {
                "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
                "name": LISTENER,
                "address": socket(plan.place.address, plan.place.port),
                "filter_chains": [chain],
                # Of a body that is passed on, as much as waits here for a pod to read it.
                "per_connection_buffer_limit_bytes": MOST_BUFFERED_BYTES,
            }
        ]
    )


def _connections(plan: GatewayPlan) -> Message:
    return {
        "stat_prefix": "gateway",
        "codec_type": "AUTO",
        "rds": {
            "route_config_name": ROUTES,
            "config_source": from_file(plan.place.folder, "rds.json"),
        },
        "http_filters": http_filters(plan),
        "access_log": access_logs(),
        "local_reply_config": local_replies(plan),
        "server_name": "soloist",
        # Every client is a stranger: what only Envoy's own kind may say (x-envoy-*) is taken from requests.
        "use_remote_address": True,
        "internal_address_config": {"cidr_ranges": [NOBODY]},
        "skip_xff_append": True,
        "generate_request_id": True,
        "preserve_external_request_id": True,
        "always_set_request_id_in_response": True,
        "request_id_extension": {
            "typed_config": typed(
                "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
                # It would change a digit of the id that the client gave.
                pack_trace_reason=False,
            )
        },
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "max_request_headers_kb": MOST_HEADER_KB,
        "request_headers_timeout": seconds(HEADERS_SECONDS),
        "request_timeout": seconds(plan.timeout_seconds + HEADERS_SECONDS),
        "stream_idle_timeout": seconds(plan.longest_seconds + HEADERS_SECONDS),
        "common_http_protocol_options": {
            "idle_timeout": seconds(IDLE_SECONDS),
            "max_connection_duration": seconds(OLDEST_CONNECTION_SECONDS),
        },
        # By a last answer that says so, not by a close that may meet a request.
        "http1_safe_max_connection_duration": True,
    }


def _tls(plan: GatewayPlan) -> Message:
    return extension(
        "envoy.transport_sockets.tls",
        "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context={
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificate_sds_secret_configs": [
                {"name": CERTIFICATE, "sds_config": from_file(plan.place.folder, "sds.json")}
            ],
        },
    )


def secrets(tls: Tls | None) -> str:
    """The file `sds.json`: where the certificate lies, not what it is."""
    if tls is None:
        return resources([])
    certificate = {
        "certificate_chain": {"filename": f"{tls.folder}/tls.crt"},
        "private_key": {"filename": f"{tls.folder}/tls.key"},
        "watched_directory": {"path": tls.folder},
    }
    kind = "envoy.extensions.transport_sockets.tls.v3.Secret"
    return resources([typed(kind, name=CERTIFICATE, tls_certificate=certificate)])
