"""The ASGI app: from a request's path to its answer."""

from __future__ import annotations

import time
from importlib.metadata import version as package_version

import orjson

from soloist_workloads.serving.answerer import V1, V2, Answerer, Question
from soloist_workloads.serving.binary import HEADER_NAME
from soloist_workloads.serving.compare import COMPARISON, Comparer
from soloist_workloads.serving.lane import Lane
from soloist_workloads.serving.metrics import CONTENT_TYPE, Metrics
from soloist_workloads.serving.openapi.page import show_document, show_page
from soloist_workloads.serving.outputs import describe_tensors
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.recent import Recent
from soloist_workloads.serving.replay import Replayer, parse_ask
from soloist_workloads.serving.responses import CLOSE, render_problem
from soloist_workloads.serving.routes import POSTED, NotFound, Page, find_page
from soloist_workloads.serving.scorer import Scorer
from soloist_workloads.serving.short import Short
from soloist_workloads.serving.state import Phase, State
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
PROBE = "probe"
INVOCATIONS = "/invocations"
INFER = ("/v2/models/{0}/infer", "/v2/models/{0}/versions/{1}/infer")


class App:
    """One model version behind HTTP."""

    def __init__(
        self,
        *,
        name: str,
        version: str,
        state: State,
        lane: Lane,
        peers: str = "",
        gateway: str = "",
        keep_requests: int = 0,
    ) -> None:
        self._name = name
        self._version = version
        self._state = state
        self._lane = lane
        self._identity = (
            (b"x-model-name", _header_value(name)),
            (b"x-model-version", _header_value(version)),
        )
        self._answerer: Answerer | None = None
        # Where nearly all requests go; looked up instead of taken apart.
        self._known = {
            path: page
            for path in (INVOCATIONS, *(each.format(name, version) for each in INFER))
            if isinstance(page := find_page(path, model=name, version=version), Page)
        }
        self.metrics = Metrics(model=name, version=version, count_in_flight=lambda: lane.in_flight)
        self._comparer = Comparer(peers, self.metrics)
        self._recent = Recent(keep_requests)
        self._replayer = Replayer(self._recent, gateway, self.metrics)
        self.short = Short(
            paths={path.encode(): _protocol(page) for path, page in self._known.items()},
            identity=self._identity,
            state=state,
            lane=lane,
            metrics=self.metrics,
            comparer=self._comparer,
            recent=self._recent,
            find_answerer=self._require_answerer,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        page = self._known.get(scope["path"]) or find_page(
            scope["path"], model=self._name, version=self._version
        )
        protocol = _protocol(page)
        try:
            response = await self._answer(page, scope, receive)
        except Disconnected:
            return
        draining = self._state.phase is Phase.DRAINING
        extra = (*self._identity, CLOSE) if draining else self._identity
        await respond(send, response, extra)
        seconds = time.perf_counter() - started
        self.metrics.tell_answer(protocol, response.status, None if protocol == PROBE else seconds)

    async def _answer(self, page: Page | NotFound, scope: Scope, receive: Receive) -> Response:
        if page in POSTED and scope["method"] == "POST":
            if page is Page.REPLAY:
                return await self._replay(scope, receive)
            return await self._predict(page, scope, receive)
        if isinstance(page, NotFound):
            return render_problem(RequestProblem(page.sentence, status=404, code="NOT_FOUND"), V2)
        if (scope["method"] == "POST") is not (page in POSTED):
            wanted = "POST" if page in POSTED else "GET"
            problem = RequestProblem(f"Use {wanted} here.", status=405, code="METHOD_NOT_ALLOWED")
            return render_problem(problem, _protocol(page))
        return self._tell(page)

    async def _predict(self, page: Page, scope: Scope, receive: Receive) -> Response:
        protocol = _protocol(page)
        try:
            answerer = self._require_answerer()
            self._lane.enter()
            try:
                body = await read_body(scope, receive)
                question = Question(
                    protocol,
                    body,
                    header(scope, b"content-type"),
                    header(scope, HEADER_NAME),
                    is_repeated=bool(header(scope, COMPARISON)),
                )
                reply = await self._lane.run(question, answerer.by_thread)
                if reply.status == 200:
                    if self._recent.keeps:
                        self._recent.offer(scope["raw_path"], dict(scope["headers"]), body)
                    self._comparer.offer(scope, body, reply.body)
            finally:
                self._lane.leave()
        except RequestProblem as problem:
            return render_problem(problem, protocol)
        return Response(reply.body, reply.status, reply.content_type, reply.headers)

    async def _replay(self, scope: Scope, receive: Receive) -> Response:
        """Only from beside the gateway, which takes this header from whoever comes through it."""
        try:
            if not header(scope, COMPARISON):
                raise RequestProblem("Only the operator asks for this.", status=403)
            sent = self._replayer.start(parse_ask(await read_body(scope, receive, most=1024)))
        except RequestProblem as problem:
            return render_problem(problem, V2)
        return _json({"sent": sent}, status=202)

    def _require_answerer(self) -> Answerer:
        """One per model; made with the first request, since a model becomes ready long after the app."""
        scorer = self._require_scorer()
        if self._answerer is None:
            self._answerer = Answerer(scorer, self.metrics, model=self._name, version=self._version)
        return self._answerer

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
            return render_problem(problem, V2)
        return _json(
            {
                "name": self._name,
                "versions": [self._version],
                "platform": f"mlflow_{scorer.flavor}",
                "inputs": describe_tensors(scorer.inputs, default="input-0"),
                "outputs": describe_tensors(scorer.outputs, default="output-0"),
            }
        )


def _header_value(text: str) -> bytes:
    """A line break in a name would begin another header."""
    return bytes(byte if 32 <= byte < 127 else ord("?") for byte in text.encode("ascii", "replace"))


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
