"""What Prometheus reads from a serving pod."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from soloist_workloads.serving.tally import Durations, Tally

# From a tenth of a millisecond (a linear model) to ten seconds (a large batch).
SECONDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
)  # fmt: skip
TOGETHER = (1, 2, 4, 8, 16, 32, 64)
PROTOCOLS = ("v1", "v2")
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One registry per app, so that tests and processes share nothing."""

    def __init__(
        self, *, model: str, version: str, count_in_flight: Callable[[], float] = lambda: 0
    ) -> None:
        self._registry = CollectorRegistry()
        self._model, self._version = model, version
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._request_seconds = {name: Durations(SECONDS) for name in PROTOCOLS}
        self._prediction_seconds = {name: Durations(SECONDS) for name in PROTOCOLS}
        self._together = Durations(TOGETHER)
        self._tally = Tally(
            self._registry,
            {
                "soloist_serving_request_duration_seconds": (
                    "From the first byte of a request to its answer.",
                    self._request_seconds,
                ),
                "soloist_serving_prediction_duration_seconds": (
                    "Parsing, checking and predicting, without waiting for it.",
                    self._prediction_seconds,
                ),
                "soloist_serving_requests_per_prediction": (
                    "Requests that were waiting when the model became free, and were answered together.",
                    {"": self._together},
                ),
            },
        )
        in_flight = Gauge(
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
        self.replayed_requests = Counter(
            "soloist_replayed_requests",
            "Kept requests that this pod sent to the gateway again, for a new version's sake.",
            registry=self._registry,
        )
        self.kept_requests_left = Gauge(
            "soloist_kept_requests_left",
            "Kept requests that this pod has not sent again yet, when it was last asked to.",
            registry=self._registry,
        )
        in_flight.set_function(count_in_flight)  # asked when Prometheus asks, not at every request
        self._info = Gauge(
            "soloist_serving_model_info",
            "The served model; always 1.",
            ["model", "version", "flavor", "optimized"],
            registry=self._registry,
        )

    def tell_model(self, flavor: str, optimized: str = "") -> None:
        """`optimized`: the form that answers in the model's place, if one does."""
        self._info.labels(self._model, self._version, flavor, optimized).set(1)

    def tell_answer(self, protocol: str, status: int, seconds: float | None) -> None:
        """A request is answered, told on the event loop; `seconds` is None where its duration says nothing about the model."""
        requests, key = self._tally.requests, (protocol, status)
        requests[key] = requests.get(key, 0) + 1
        if seconds is not None:
            self._request_seconds[protocol].add(seconds)

    def tell_predictions(
        self, protocols: Sequence[str], seconds: float, *, together: bool = True
    ) -> None:
        """Requests were answered, together or one after the other, and each of them took this long without waiting."""
        count = len(protocols)
        self._together.add(count if together else 1, times=1 if together else count)
        for protocol in PROTOCOLS:
            if times := protocols.count(protocol):
                self._prediction_seconds[protocol].add(seconds, times)

    def render(self) -> bytes:
        return generate_latest(self._registry)
