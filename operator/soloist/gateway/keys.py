"""The file with the API keys."""

from __future__ import annotations

from collections.abc import Mapping

from soloist.gateway.filters import API_KEY_AUTH, API_KEYS, key_sources
from soloist.gateway.xds import resources, typed


def render_keys(keys: Mapping[str, str]) -> str:
    """The content of `api-keys.json`, from each client's name and key. It's a secret: into a Secret, and nowhere else.

    The filter takes the key out of the request, and the client's name goes nowhere.
    """
    known = [{"client": client, "key": key} for client, key in sorted(keys.items())]
    auth = typed(
        API_KEY_AUTH,
        credentials=known,
        key_sources=key_sources(),
        forwarding={"hide_credentials": True},
    )
    kind = "envoy.config.core.v3.TypedExtensionConfig"
    return resources([typed(kind, name=API_KEYS, typed_config=auth)])
