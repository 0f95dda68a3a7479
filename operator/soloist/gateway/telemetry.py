"""What the gateway counts and logs.

Two counts, because they answer two questions. `answers` is what clients got: one each, by the rung that gave it.
`attempts` is what versions did: one per try, so an error of a candidate shows here though a retry hid it from the client.
A shadow's copies are attempts too, told apart by a tag of their own. Envoy's own counters of clusters can say neither:
those of a ladder hold several versions, and those of a version leave out what came by way of a ladder.
"""

from __future__ import annotations

from soloist.gateway.clusters import METADATA
from soloist.gateway.retries import MODEL_FAILED_HEADER
from soloist.gateway.routes import SHADOW_HEADER, TRIES_HEADER
from soloist.gateway.xds import Message, extension

SCOPE = "soloist"
ANSWERS, ANSWER_TIME = "answers", "answer_us"
ATTEMPTS, ATTEMPT_TIME = "attempts", "attempt_us"
# A quarter more each step: between two of them a p99 is known to an eighth. From 0.25 ms (a linear model) to 22 s.
BUCKETS_US = tuple(round(250 * 1.25**step) for step in range(52))
# Histograms that nobody reads are most of the text that is scraped.
LEFT_OUT = (
    {"suffix": "_cx_length_ms"},
    {"suffix": ".upstream_rq_time"},
    {"suffix": ".upstream_cx_connect_ms"},
    {"suffix": ".upstream_rq_per_cx"},
    {"suffix": ".connections_accepted_per_socket_event"},
    {"suffix": "_update_duration"},
    {"contains": ".internal."},
    {"contains": ".external."},
)

VERSION = f"%UPSTREAM_METADATA({METADATA}:version)%"
RUNG = f"%UPSTREAM_METADATA({METADATA}:rung)%"
# No body, no query, no credential, no address of a client; the sticky header isn't told either, it names a person.
LOGGED = {
    "time": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
    "method": "%REQUEST_HEADER(:method)%",
    "path": "%PATH(NQ)%",
    "status": "%RESPONSE_CODE%",
    "version": VERSION,
    "rung": RUNG,
    "milliseconds": "%DURATION%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "flags": "%RESPONSE_FLAGS%",
    "why": "%RESPONSE_CODE_DETAILS%",
    "bytesIn": "%BYTES_RECEIVED%",
    "bytesOut": "%BYTES_SENT%",
    "requestId": "%REQUEST_HEADER(x-request-id)%",
    "traceparent": "%REQUEST_HEADER(traceparent)%",
    "userAgent": "%REQUEST_HEADER(user-agent):100%",
}


def access_logs() -> list[Message]:
    """Of each request when it is answered: a line, and its counts."""
    line = extension(
        "envoy.access_loggers.stdout",
        "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
        log_format={"json_format": LOGGED},
    )
    return [line, *_stats(ANSWERS, ANSWER_TIME, "DS_RX_BEG:DS_TX_BEG", [], [])]


def attempt_logs() -> list[Message]:
    """Of each try when it ends: its counts."""
    shadow = {"name": "shadow", "value_format": f"%REQUEST_HEADER({SHADOW_HEADER})%"}
    failed = {"name": "failed", "value_format": f"%RESPONSE_HEADER({MODEL_FAILED_HEADER})%"}
    tries = {"name": "tries", "value_format": f"%REQUEST_HEADER({TRIES_HEADER})%"}
    return _stats(ATTEMPTS, ATTEMPT_TIME, "US_TX_BEG:US_RX_BEG", [shadow], [failed, tries])


def _stats(
    counter: str, histogram: str, span: str, both: list[Message], counted: list[Message]
) -> list[Message]:
    """A counter by version, rung, status and flags; and how long it took, where there was an answer to wait for."""
    version = {"name": "version", "value_format": VERSION}
    rung = {"name": "rung", "value_format": RUNG}
    code = {"name": "code", "value_format": "%RESPONSE_CODE%"}
    flags = {"name": "flags", "value_format": "%RESPONSE_FLAGS%"}
    count = {
        "stat": {"name": counter, "tags": [version, rung, code, flags, *both, *counted]},
        "value_fixed": 1,
    }
    time = {
        "stat": {"name": histogram, "tags": [version, rung, *both]},
        "unit": "Microseconds",
        "value_format": f"%COMMON_DURATION({span}:us)%",
    }
    # A status of 0 is a connection that was lost: its time would be no number.
    threshold = {"default_value": 100, "runtime_key": "soloist.unused"}
    has_answer = {"status_code_filter": {"comparison": {"op": "GE", "value": threshold}}}
    return [_sink(counters=[count]), {**_sink(histograms=[time]), "filter": has_answer}]


def _sink(**stats: list[Message]) -> Message:
    kind = "envoy.extensions.access_loggers.stats.v3.Config"
    return extension("envoy.access_loggers.stats", kind, stats_scope={"prefix": SCOPE}, **stats)


def stats_config() -> Message:
    """Fine buckets for what verdicts are read from, and no text for what nobody reads."""
    buckets = [float(one) for one in BUCKETS_US]
    return {
        "histogram_bucket_settings": [{"match": {"prefix": f"{SCOPE}."}, "buckets": buckets}],
        "stats_matcher": {"exclusion_list": {"patterns": list(LEFT_OUT)}},
    }
