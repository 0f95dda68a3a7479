"""The ASGI app: from a request's path to its answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version as package_version

import orjson

from soloist_workloads.serving import openinference
from soloist_workloads.serving.binary import HEADER_NAME
from soloist_workloads.serving.compare import COMPARISON, Comparer
from soloist_workloads.serving.lane import RETRY_AFTER_SECONDS, Lane
from soloist_workloads.serving.metrics import CONTENT_TYPE, Metrics
from soloist_workloads.serving.openapi.page import show_document, show_page
from soloist_workloads.serving.outputs import describe_tensors
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.routes import POSTED, NotFound, Page, find_page
from soloist_workloads.serving.scorer import Reply, Scorer
from soloist_workloads.serving.state import Phase, State
from soloist_workloads.serving.validity import repeated
from soloist_workloads.serving.wire import (
    Disconnected,
    Receive,
    Response,
    Scope,
    Send,
    header,
    read_body,
    respond,
)

PROTOCOL_VERSION = "2"
EXTENSIONS = ["binary_tensor_data"]
V1, V2, PROBE = "v1", "v2", "probe"
CLOSE = (b"connection", b"close")
# What a gateway counts against the version, and asks another one for while this one is on trial.
MODEL_FAILED = (b"x-soloist-model-failed", b"true")


class App:
    """One model version behind HTTP."""

    def __init__(
        self, *, name: str, version: str, state: State, lane: Lane, peers: str = ""
    ) -> None:
        self._name = name
        self._version = version
        self._state = state
        self._lane = lane
        self._identity = (
            (b"x-model-name", name.encode("ascii", "replace")),
            (b"x-model-version", version.encode("ascii", "replace")),
        )
        self.metrics = Metrics(model=name, version=version)
        self._comparer = Comparer(peers, self.metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        page = find_page(scope["path"], model=self._name, version=self._version)
        protocol = _protocol(page)
        try:
            response = await self._answer(page, scope, receive)
        except Disconnected:
            return
        draining = self._state.phase is Phase.DRAINING
        extra = (*self._identity, CLOSE) if draining else self._identity
        await respond(send, response, extra)
        self.metrics.requests.labels(protocol, str(response.status)).inc()
        if protocol != PROBE:
            self.metrics.request_seconds.labels(protocol).observe(time.perf_counter() - started)

    async def _answer(self, page: Page | NotFound, scope: Scope, receive: Receive) -> Response:
        if isinstance(page, NotFound):
            return _render(RequestProblem(page.sentence, status=404, code="NOT_FOUND"), V2)
        if (scope["method"] == "POST") is not (page in POSTED):
            wanted = "POST" if page in POSTED else "GET"
            problem = RequestProblem(f"Use {wanted} here.", status=405, code="METHOD_NOT_ALLOWED")
            return _render(problem, _protocol(page))
        if page in POSTED:
            return await self._predict(page, scope, receive)
        return self._tell(page)

    async def _predict(self, page: Page, scope: Scope, receive: Receive) -> Response:
        protocol = _protocol(page)
        try:
            scorer = self._require_scorer()
            self._lane.enter()
            self.metrics.in_flight.set(self._lane.in_flight)
            try:
                body = await read_body(scope, receive)
                work = self._work(page, scorer, body, scope)
                work = repeated(work) if header(scope, COMPARISON) else work
                reply = await self._lane.run(work)
                if reply.status == 200:
                    self._comparer.offer(scope, body, reply.body)
            finally:
                self._lane.leave()
                self.metrics.in_flight.set(self._lane.in_flight)
        except RequestProblem as problem:
            return _render(problem, protocol)
        return Response(reply.body, reply.status, reply.content_type, reply.headers)

    def _work(self, page: Page, scorer: Scorer, body: bytes, scope: Scope) -> Callable[[], Reply]:
        """What a worker thread does for one request; timed there, so that waiting isn't counted."""
        histogram = self.metrics.prediction_seconds.labels(_protocol(page))

        def work() -> Reply:
            with histogram.time():
                if page is Page.INVOCATIONS:
                    return scorer.invoke(body, header(scope, b"content-type"))
                return openinference.infer(
                    body,
                    scorer,
                    model=self._name,
                    version=self._version,
                    header_length=header(scope, HEADER_NAME),
                )

        return work

    def _require_scorer(self) -> Scorer:
        if self._state.scorer is None:
            raise RequestProblem(
                f"Not ready: {self._state.phase.value}.",
                status=503,
                code="TEMPORARILY_UNAVAILABLE",
            )
        return self._state.scorer

    def _tell(self, page: Page) -> Response:  # noqa: PLR0911 - a return per page reads best
        ready = self._state.is_ready
        match page:
            case Page.LIVE:
                return _json({"live": True})
            case Page.READY:
                answer = {"ready": ready, "because": self._state.phase.value}
                return _json(answer, status=200 if ready else 503)
            case Page.MODEL_READY:
                return _json({"name": self._name, "ready": ready}, status=200 if ready else 503)
            case Page.PING:
                return Response(b"\n", 200 if self._state.scorer else 503)
            case Page.VERSION:
                return Response(package_version("mlflow").encode(), content_type="text/plain")
            case Page.METRICS:
                return Response(self.metrics.render(), content_type=CONTENT_TYPE)
            case Page.SERVER:
                return _json(
                    {"name": "soloist", "version": PROTOCOL_VERSION, "extensions": EXTENSIONS}
                )
            case Page.DOCS | Page.OPENAPI:
                return show_page() if page is Page.DOCS else show_document(self._state.document)
            case _:
                return self._describe_model()

    def _describe_model(self) -> Response:
        try:
            scorer = self._require_scorer()
        except RequestProblem as problem:
            return _render(problem, V2)
        return _json(
            {
                "name": self._name,
                "versions": [self._version],
                "platform": f"mlflow_{scorer.flavor}",
                "inputs": describe_tensors(scorer.inputs, default="input-0"),
                "outputs": describe_tensors(scorer.outputs, default="output-0"),
            }
        )


def _protocol(page: Page | NotFound) -> str:
    match page:
        case Page.INVOCATIONS:
            return V1
        case Page.INFER:
            return V2
        case _:
            return PROBE


def _json(answer: object, *, status: int = 200) -> Response:
    return Response(orjson.dumps(answer), status)


def _render(problem: RequestProblem, protocol: str) -> Response:
    """An error as each protocol's clients expect it."""
    if protocol == V1:
        answer = {"error_code": problem.code, "message": problem.message}
    else:
        answer = {"error": problem.message}
    headers = [CLOSE] if problem.status == 413 else []  # the rest of that body is never read
    if problem.is_models:
        headers.append(MODEL_FAILED)
    if problem.status == 503:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    return Response(orjson.dumps(answer), problem.status, headers=tuple(headers))
