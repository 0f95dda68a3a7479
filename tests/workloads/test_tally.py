"""What Prometheus reads is what the client library's own metrics would have said."""

from __future__ import annotations

import threading

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from soloist_workloads.serving.metrics import SECONDS, Metrics
from soloist_workloads.serving.tally import Durations

TOLD = (0.0001, 0.0005, 0.00051, 0.3, 0.5, 9.9, 10.0, 11.0)


def lines(text: str, name: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith(name) and not sample.name.endswith("_created")
    }


def test_it_reads_as_the_librarys_own() -> None:
    metrics, registry = Metrics(model="m", version="1"), CollectorRegistry()
    requests = Counter("soloist_serving_requests", "", ["protocol", "code"], registry=registry)
    name = "soloist_serving_request_duration_seconds"
    durations = Histogram(name, "", ["protocol"], buckets=SECONDS, registry=registry)
    for protocol in ("v1", "v2"):
        durations.labels(protocol)
        for seconds in TOLD:
            metrics.tell_answer(protocol, 200, seconds)
            requests.labels(protocol, "200").inc()
            durations.labels(protocol).observe(seconds)
    metrics.tell_answer("probe", 404, None)
    requests.labels("probe", "404").inc()
    ours, theirs = metrics.render().decode(), generate_latest(registry).decode()
    for wanted in ("soloist_serving_requests_total", name):
        assert lines(ours, wanted) == lines(theirs, wanted)
    assert len(lines(ours, name)) == 2 * (len(SECONDS) + 3)


def test_threads_lose_nothing() -> None:
    durations = Durations((1.0,))

    def add() -> None:
        for _ in range(20_000):
            durations.add(0.5)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    buckets, total = durations.read()
    assert buckets == [("1.0", 80_000.0), ("+Inf", 80_000.0)]
    assert total == 40_000.0
