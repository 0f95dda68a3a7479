"""The port `Meter` on Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class PromMeter:
    """The loop's numbers. A registry of its own, so that two can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._total = Counter(
            "soloist_reconcile",
            "Reconciles by how they ended.",
            ("kind", "outcome", "reason"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "soloist_reconcile_seconds",
            "How long a reconcile took.",
            ("kind",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._errors = Counter(
            "soloist_reconcile_errors",
            "Reconciles that failed, by reason.",
            ("kind", "reason"),
            registry=self.registry,
        )
        self._calls = Counter(
            "soloist_api_calls",
            "Writes to the API server and effects outside the cluster.",
            ("verb", "kind"),
            registry=self.registry,
        )
        self._depth = Gauge(
            "soloist_queue_depth", "Objects that wait for a worker.", registry=self.registry
        )
        self._leader = Gauge(
            "soloist_leader", "1 in the replica that acts, else 0.", registry=self.registry
        )

    def reconciled(self, kind: str, outcome: str, reason: str, seconds: float) -> None:
        self._total.labels(kind, outcome, reason).inc()
        self._seconds.labels(kind).observe(seconds)
        if outcome == "Failed":
            self._errors.labels(kind, reason).inc()

    def acted(self, verb: str, kind: str) -> None:
        self._calls.labels(verb, kind).inc()

    def depth(self, waiting: int) -> None:
        self._depth.set(waiting)

    def leads(self, leading: bool) -> None:
        self._leader.set(1 if leading else 0)

    def page(self) -> bytes:
        """What `/metrics` answers."""
        return generate_latest(self.registry)
