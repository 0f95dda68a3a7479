"""What Prometheus reads from a serving pod."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

# From a tenth of a millisecond (a linear model) to ten seconds (a large batch).
SECONDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
)  # fmt: skip
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One registry per app, so that tests and processes share nothing."""

    def __init__(self, *, model: str, version: str) -> None:
        self._registry = CollectorRegistry()
        self._model, self._version = model, version
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self.requests = Counter(
            "soloist_serving_requests",
            "Answered requests.",
            ["protocol", "code"],
            registry=self._registry,
        )
        self.request_seconds = Histogram(
            "soloist_serving_request_duration_seconds",
            "From the first byte of a request to its answer.",
            ["protocol"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self.prediction_seconds = Histogram(
            "soloist_serving_prediction_duration_seconds",
            "Parsing, checking and predicting in a worker thread, without waiting for it.",
            ["protocol"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self.in_flight = Gauge(
            "soloist_serving_in_flight_requests",
            "Requests that are being answered or wait for it.",
            registry=self._registry,
        )
        self.invalid_answers = Counter(
            "soloist_invalid_answers",
            "Answers with NaN or an infinity, or that don't fit the model's output signature.",
            registry=self._registry,
        )
        self.compared_answers = Counter(
            "soloist_compared_answers",
            "Answers to copies of requests that were compared with the champion's.",
            registry=self._registry,
        )
        self.disagreeing_answers = Counter(
            "soloist_disagreeing_answers",
            "Those that differed.",
            registry=self._registry,
        )
        self.answer_distance = Gauge(
            "soloist_answer_distance_sum",
            "Sum, over compared answers, of the mean absolute difference of their numbers.",
            registry=self._registry,
        )
        self._info = Gauge(
            "soloist_serving_model_info",
            "The served model; always 1.",
            ["model", "version", "flavor"],
            registry=self._registry,
        )

    def tell_model(self, flavor: str) -> None:
        self._info.labels(self._model, self._version, flavor).set(1)

    def render(self) -> bytes:
        return generate_latest(self._registry)
