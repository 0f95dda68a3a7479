"""What happens to a request between its arrival and the choice of a version, in this order.

First who asks, so that strangers use nobody's share; then how often; then the body, which is read whole where it is small
(`plan.MOST_BUFFERED_BYTES`).
"""

from __future__ import annotations

from soloist.gateway.budget import retry_budget
from soloist.gateway.plan import MOST_BUFFERED_BYTES, ApiKeys, GatewayPlan, Jwt
from soloist.gateway.routes import API_KEY_HEADER, BUFFER
from soloist.gateway.telemetry import attempt_logs
from soloist.gateway.xds import Message, extension, from_file, percent, typed

API_KEYS = "api-keys"
API_KEYS_FILE, JWKS_FILE = "api-keys.json", "jwks.json"
API_KEY_AUTH = "envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth"
JWT_AUTH = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"


def http_filters(plan: GatewayPlan) -> list[Message]:
    """The chain; the last one asks the pods."""
    return [
        *([_api_keys(plan.api_keys)] if plan.api_keys else []),
        *([_jwt(plan.jwt)] if plan.jwt else []),
        *([_rate_limit(plan.rate_limit)] if plan.rate_limit else []),
        extension(
            BUFFER,
            "envoy.extensions.filters.http.buffer.v3.Buffer",
            max_request_bytes=MOST_BUFFERED_BYTES,
        ),
        retry_budget(plan),
        extension(
            "envoy.filters.http.router",
            "envoy.extensions.filters.http.router.v3.Router",
            suppress_envoy_headers=True,
            upstream_log=attempt_logs(),
        ),
    ]


def key_sources() -> list[Message]:
    """Where a client may put its key."""
    return [{"header": API_KEY_HEADER}, {"header": "Authorization"}]


def _api_keys(keys: ApiKeys) -> Message:
    """The filter's configuration is the file with the keys: a new key counts without a new listener, and no key stands
    in a ConfigMap. Until the file can be read nobody is let in: a filter without a key knows none."""
    return {
        "name": API_KEYS,
        "config_discovery": {
            "config_source": from_file(keys.folder, API_KEYS_FILE),
            "type_urls": [f"type.googleapis.com/{API_KEY_AUTH}"],
            "default_config": typed(API_KEY_AUTH, key_sources=key_sources()),
            "apply_default_config_without_warming": True,
        },
    }


def _jwt(jwt: Jwt) -> Message:
    provider: Message = {
        "issuer": jwt.issuer,
        "audiences": list(jwt.audiences),
        "local_jwks": {
            "filename": f"{jwt.folder}/{JWKS_FILE}",
            "watched_directory": {"path": jwt.folder},
        },
        "require_expiration": True,
    }
    return extension(
        "envoy.filters.http.jwt_authn",
        JWT_AUTH,
        providers={"issuer": provider},
        rules=[{"match": {"prefix": "/"}, "requires": {"provider_name": "issuer"}}],
    )


def _rate_limit(each_second: int) -> Message:
    """A second's worth at once, then one as often as the rate says."""
    return extension(
        "envoy.filters.http.local_ratelimit",
        "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        stat_prefix="gateway",
        token_bucket={
            "max_tokens": each_second,
            "tokens_per_fill": each_second,
            "fill_interval": "1s",
        },
        filter_enabled=percent(100),
        filter_enforced=percent(100),
    )
