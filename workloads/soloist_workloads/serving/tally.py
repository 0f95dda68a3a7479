"""Counts for Prometheus that cost a request little: numbers are added up here, and become its text when it asks.

The client library's own histogram takes a lock and an object per bucket and sum; three of them at every request are a tenth
of what a small model has to spend.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector


class Durations:
    """One histogram's numbers."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        self._lock = Lock()  # adding is no single step, and threads do it

    def add(self, value: float, times: int = 1) -> None:
        with self._lock:
            self._counts[bisect_left(self._bounds, value)] += times
            self._sum += value * times

    def read(self) -> tuple[list[tuple[str, float]], float]:
        """Buckets, each with all that is below it, and the sum."""
        with self._lock:
            counts, total = list(self._counts), self._sum
        buckets, below = [], 0
        for bound, count in zip((*self._bounds, float("inf")), counts, strict=True):
            below += count
            buckets.append(("+Inf" if bound == float("inf") else str(float(bound)), float(below)))
        return buckets, total


class Tally(Collector):
    """Requests by protocol and code, and histograms by protocol. Tells them when it is asked."""

    def __init__(
        self,
        registry: CollectorRegistry,
        histograms: Mapping[str, tuple[str, dict[str, Durations]]],
    ) -> None:
        """`histograms`: name to help text and the numbers by protocol; an empty protocol means no label."""
        self._histograms = histograms
        self.requests: dict[tuple[str, int], int] = {}
        registry.register(self)

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        counted = CounterMetricFamily(
            "soloist_serving_requests", "Answered requests.", labels=["protocol", "code"]
        )
        for (protocol, status), count in list(self.requests.items()):
            counted.add_metric([protocol, str(status)], count)
        yield counted
        for name, (text, by_protocol) in self._histograms.items():
            labels = [] if "" in by_protocol else ["protocol"]
            family = HistogramMetricFamily(name, text, labels=labels)
            for protocol, durations in by_protocol.items():
                buckets, total = durations.read()
                family.add_metric([protocol] if protocol else [], buckets, total)
            yield family
