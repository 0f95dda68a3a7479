"""How Envoy wants to be told: messages with their types, durations, and files with a version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

Message = dict[str, Any]


def typed(of: str, /, **fields: Any) -> Message:
    """A message where Envoy takes any; `of` is its full name."""
    return {"@type": f"type.googleapis.com/{of}", **fields}


def extension(name: str, of: str, /, **fields: Any) -> Message:
    """A named extension with its configuration."""
    return {"name": name, "typed_config": typed(of, **fields)}


def seconds(amount: float) -> str:
    """A duration; to the millisecond, which is as fine as Envoy's timers are."""
    return f"{amount:.3f}".rstrip("0").rstrip(".") + "s"


def percent(amount: int) -> Message:
    """A share of requests that no runtime file can change: the key belongs to nothing."""
    share = {"numerator": amount, "denominator": "HUNDRED"}
    return {"default_value": share, "runtime_key": "soloist.unused"}


def header(name: str, value: str) -> Message:
    """A header that takes the place of one that's there. Left out where the value is empty."""
    return {
        "header": {"key": name, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }


def socket(address: str, port: int) -> Message:
    return {"socket_address": {"address": address, "port_value": port}}


def from_file(folder: str, name: str) -> Message:
    """A file of a mounted folder. Its own path never changes when the kubelet swaps the folder's content, so it's the
    folder that is watched."""
    source = {"path": f"{folder}/{name}", "watched_directory": {"path": folder}}
    return {"path_config_source": source, "resource_api_version": "V3"}


def resources(given: Iterable[Message]) -> str:
    """The text of one file of resources. Its version is its content's digest, which Envoy's counters tell back: so a
    reader knows which content is live."""
    listed = list(given)
    return render({"version_info": version(listed), "resources": listed})


def version(content: object) -> str:
    return hashlib.sha256(render(content).encode()).hexdigest()[:16]


def render(content: object) -> str:
    """JSON and not YAML, where a bare `n` or `y` is a boolean. Sorted: the same plan is the same text."""
    return json.dumps(content, sort_keys=True, indent=1, ensure_ascii=True) + "\n"
