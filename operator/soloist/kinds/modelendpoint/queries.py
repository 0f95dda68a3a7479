"""The numbers that a rollout's user asks Prometheus for. Source of the answer's form: Prometheus' HTTP API, instant queries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from soloist.api.platform import Platform
from soloist.core.effects import ReadUrl
from soloist.core.seen import Seen
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.rollout.records import active


def reads(endpoint: Endpoint, platform: Platform) -> Iterator[tuple[str, ReadUrl]]:
    """The questions by gate; none while nothing is judged, or where there is no Prometheus."""
    record, spec = endpoint.status.release, endpoint.spec.rollout
    rollout = active(record)
    if rollout is None or spec is None or not platform.prometheus_url:
        return
    for query in spec.gates.queries:
        text = query.promql.replace("$version", rollout.version)
        text = text.replace("$champion", record.champion or "")
        where = platform.prometheus_url.rstrip("/")
        yield query.name, ReadUrl(f"{where}/api/v1/query?{urlencode({'query': text})}")


def answers(endpoint: Endpoint, platform: Platform, seen: Seen) -> Mapping[str, float | None]:
    """What Prometheus said, by gate."""
    return {name: number(seen.text(read)) for name, read in reads(endpoint, platform)}


def number(text: str) -> float | None:
    """The one number of an answer; None where there is none, or several."""
    try:
        data = json.loads(text)["data"]
        result = data["result"]
        if data["resultType"] == "scalar":
            return float(result[1])
        return float(result[0]["value"][1]) if len(result) == 1 else None
    except (ValueError, KeyError, TypeError, IndexError):
        return None
