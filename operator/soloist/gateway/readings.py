"""What a gateway's counters say: how each version does, who answered, what configuration is live.

A reading is of one replica since it started; what happened between two of them, over all replicas, `rollout.readings` finds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from soloist.gateway.clusters import version_cluster
from soloist.gateway.exposition import Line, parse_lines
from soloist.gateway.retries import REFUSALS
from soloist.gateway.telemetry import ANSWER_TIME, ANSWERS, ATTEMPT_TIME, ATTEMPTS, SCOPE

# Without the question mark, Envoy leaves out which configuration is live.
READINGS_PATH = "/stats/prometheus?text_readouts"
NOBODY = "-"
# The client left, or the gateway had no place: no pod is to blame.
BLAMELESS = frozenset({"DC", "UO"})
TIMED_OUT = frozenset({"UT", "SI", "DT"})

# A counter: its name, and of its labels those that are told apart here.
Series = tuple[str, ...]
_ANSWERS, _ATTEMPTS = f"envoy_{SCOPE}_{ANSWERS}", f"envoy_{SCOPE}_{ATTEMPTS}"
_COUNTERS: Mapping[str, tuple[str, ...]] = {
    _ANSWERS: ("version", "rung", "code"),
    _ATTEMPTS: ("shadow", "version", "code", "flags", "failed", "tries"),
    f"envoy_{SCOPE}_{ANSWER_TIME}_bucket": ("version", "rung"),
    f"envoy_{SCOPE}_{ATTEMPT_TIME}_bucket": ("shadow", "version"),
    "envoy_cluster_upstream_rq_retry": ("envoy_cluster_name",),
    "envoy_cluster_outlier_detection_ejections_enforced_total": ("envoy_cluster_name",),
}
_GAUGES = {
    "envoy_cluster_membership_total": "pods",
    "envoy_cluster_membership_healthy": "healthy",
    "envoy_cluster_outlier_detection_ejections_active": "ejected",
}
_LIVE = {
    "envoy_cluster_manager_cds_version_text": "cds.json",
    "envoy_listener_manager_lds_version_text": "lds.json",
    "envoy_http_rds_version_text": "rds.json",
}
_REFUSALS = frozenset(str(code) for code in REFUSALS)


@dataclass(frozen=True, slots=True)
class Tally:
    """How a version did."""

    requests: int = 0
    errors: int = 0
    """5xx, lost connections, timeouts, requests that the model itself failed at (which MLflow answers with 400), and those that
    it refused as the first who was asked; also those that a retry hid from the client. What is wrong with a client is
    wrong with it for every version, so only the difference between two versions says something."""
    timeouts: int = 0
    milliseconds: Mapping[float, int] = field(default_factory=dict)
    """To the first byte of each answer, by upper limit: each count is of what took longer than the limit before. A lost
    connection and a timeout have none."""


@dataclass(frozen=True, slots=True)
class Pods:
    """A version's pods as one gateway sees them."""

    pods: int = 0
    healthy: int = 0
    ejected: int = 0
    """Asked nothing for a while, because they failed several requests in a row."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One replica's counters."""

    counters: Mapping[Series, int] = field(default_factory=dict)
    gauges: Mapping[Series, int] = field(default_factory=dict)
    live: Mapping[str, str] = field(default_factory=dict)
    """By file, the version of its content."""

    def attempts(self, version: str) -> Tally:
        """What the version was asked, first or again, shadow apart."""
        return self._tally(NOBODY, version)

    def shadow(self, version: str) -> Tally:
        """What copies of requests the version was sent."""
        return self._tally("true", version)

    def _tally(self, shadow: str, version: str) -> Tally:
        tally = Counter[str]()
        for (code, flags, failed, tries), count in self._of(_ATTEMPTS, shadow, version).items():
            seen = set(flags.split(","))
            if seen & BLAMELESS:
                continue
            tally["requests"] += count
            is_error = code == "0" or code.startswith("5") or failed == "true"
            # The second refusal of a request is the sender's mistake, and not this version's.
            is_error |= code in _REFUSALS and tries in (NOBODY, "1")
            tally["errors"] += count * is_error
            tally["timeouts"] += count * bool(seen & TIMED_OUT)
        took = self._milliseconds(f"envoy_{SCOPE}_{ATTEMPT_TIME}_bucket", shadow, version)
        return Tally(tally["requests"], tally["errors"], tally["timeouts"], took)

    def answers(self) -> Mapping[tuple[str, str], int]:
        """What clients got, by rung and status; the rung is `-` where the gateway itself answered."""
        found = Counter[tuple[str, str]]()
        for (_, rung, code), count in self._of(_ANSWERS).items():
            found[rung, code] += count
        return found

    def answers_by_version(self) -> Mapping[tuple[str, str], int]:
        """What clients got, by version and rung: a version may have stood on two."""
        found = Counter[tuple[str, str]]()
        for (version, rung, _), count in self._of(_ANSWERS).items():
            found[version, rung] += count
        return found

    def answer_milliseconds(self) -> Mapping[float, int]:
        """How long clients waited, retries included, whoever answered."""
        return self._milliseconds(f"envoy_{SCOPE}_{ANSWER_TIME}_bucket")

    def retries(self) -> int:
        """Tries after the first, of all requests."""
        return sum(self._of("envoy_cluster_upstream_rq_retry").values())

    def ejections(self, version: str) -> int:
        """How often a pod of the version was taken out for failing."""
        name = "envoy_cluster_outlier_detection_ejections_enforced_total"
        return sum(self._of(name, version_cluster(version)).values())

    def pods(self, version: str) -> Pods:
        """The version's pods now."""
        cluster = version_cluster(version)
        return Pods(**{name: self.gauges.get((name, cluster), 0) for name in _GAUGES.values()})

    def is_live(self, versions: Mapping[str, str]) -> bool:
        """Whether the replica follows these files (`files.versions`)."""
        return all(self.live.get(name) == version for name, version in versions.items())

    def _of(self, *start: str) -> Mapping[Series, int]:
        """The counters whose name and first labels are these, by the rest."""
        return {
            series[len(start) :]: count
            for series, count in self.counters.items()
            if series[: len(start)] == start
        }

    def _milliseconds(self, *start: str) -> Mapping[float, int]:
        counts = Counter[float]()
        for rest, count in self._of(*start).items():
            counts[float(rest[-1]) / 1000] += count  # the page tells microseconds
        return counts


def parse_reading(text: str) -> Reading:
    """The page at `READINGS_PATH`."""
    counters, gauges = Counter[Series](), Counter[Series]()
    live: dict[str, str] = {}
    below = Counter[tuple[object, ...]]()
    for line in parse_lines(text):
        if line.name in _COUNTERS:
            series, count = _series(line), round(line.value)
            limit = line.labels.get("le")
            if limit is not None:
                # The page counts up from bucket to bucket, anew for each set of labels; here each bucket has its own.
                others = (line.name, *(pair for pair in line.labels.items() if pair[0] != "le"))
                below[others], count = count, count - below[others]
                series = (*series, limit.replace("+Inf", "inf"))
            counters[series] += count
        elif line.name in _GAUGES:
            gauges[_GAUGES[line.name], line.labels["envoy_cluster_name"]] += round(line.value)
        elif line.name in _LIVE:
            live[_LIVE[line.name]] = line.labels.get("text_value", "")
    return Reading(counters, gauges, live)


def _series(line: Line) -> Series:
    # A header that isn't there is an empty label, a pod that isn't there a dash: both are nobody's.
    return (line.name, *(line.labels.get(name) or NOBODY for name in _COUNTERS[line.name]))
