"""The app as the short way needs it: from a request that was read to the bytes of its response, without a task."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from soloist_workloads.serving.answerer import Answerer, Question
from soloist_workloads.serving.binary import HEADER_NAME
from soloist_workloads.serving.compare import COMPARISON, SHADOW, Comparer
from soloist_workloads.serving.lane import Lane
from soloist_workloads.serving.metrics import Metrics
from soloist_workloads.serving.problem import RequestProblem
from soloist_workloads.serving.recent import Recent
from soloist_workloads.serving.responses import BROKEN, CLOSE, render_problem, render_response
from soloist_workloads.serving.rest import Rest
from soloist_workloads.serving.scorer import JSON, Reply
from soloist_workloads.serving.state import Phase, State
from soloist_workloads.serving.wire import Header, Response

LOG = logging.getLogger(__name__)
# What of it its caller needs besides, comes back to it with the response.
Request = TypeVar("Request", bound="Asked")


class Asked:
    """One request."""

    __slots__ = ("body", "headers", "path", "protocol")

    def __init__(self, protocol: str, path: bytes, headers: dict[bytes, bytes]) -> None:
        self.protocol = protocol
        self.path = path
        self.headers = headers
        self.body = b""

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")


class Short:
    """Answers as the app does: a test compares the two, byte by byte."""

    def __init__(
        self,
        *,
        paths: dict[bytes, str],
        identity: tuple[Header, ...],
        state: State,
        lane: Lane,
        metrics: Metrics,
        comparer: Comparer,
        recent: Recent,
        find_answerer: Callable[[], Answerer],
    ) -> None:
        """`paths`: where predictions are asked for, and by which protocol."""
        self.paths = paths
        self._identity = identity
        self._state = state
        self._lane = lane
        self._comparer = comparer
        self._keep = recent.offer
        self._find_answerer = find_answerer
        self.tell = metrics.tell_answer
        self.rest = Rest()
        self._servers: Sequence[Header] = ()
        self._good = self._render_good()
        self._busy: dict[str, Response] = {}

    @property
    def is_serving(self) -> bool:
        return self._state.scorer is not None

    def ask(self, asked: Request, write: Callable[[Request, Response | Reply], None]) -> bool:
        """Whether there was a place. `write` is called with the response: now if not, else later, on the event loop."""
        lane, way = self._lane, self._find_answerer().way_of(asked.body)
        if not lane.try_enter(quick=way.is_quick):
            write(asked, self._refuse(asked.protocol))
            return False
        question = Question(
            asked.protocol,
            asked.body,
            asked.header(b"content-type"),
            asked.header(HEADER_NAME),
            is_repeated=bool(asked.headers.get(COMPARISON)),
        )

        lane.submit(question, way, partial(self._finish, asked, write))
        return True

    def _finish(
        self, asked: Request, write: Callable[[Request, Response | Reply], None], outcome: Any
    ) -> None:
        self._lane.leave()
        write(asked, self._conclude(asked, outcome))

    def _refuse(self, protocol: str) -> Response:
        """The same each time, so it is made once."""
        refusal = self._busy.get(protocol)
        if refusal is None:
            refusal = self._busy[protocol] = render_problem(self._lane.refusal(), protocol)
        return refusal

    def _conclude(self, asked: Asked, outcome: Any) -> Response | Reply:
        if isinstance(outcome, RequestProblem):
            return render_problem(outcome, asked.protocol)
        if isinstance(outcome, Exception):
            LOG.error("A request failed for a reason that nobody foresaw.", exc_info=outcome)
            return BROKEN
        if outcome.status == 200:
            self._keep(asked.path, asked.headers, asked.body)
            if SHADOW in asked.headers:
                scope = {"headers": list(asked.headers.items()), "raw_path": asked.path}
                self._comparer.offer(scope, asked.body, outcome.body)
        reply: Reply = outcome
        return reply

    def render(
        self, response: Response | Reply, servers: Sequence[Header], *, keep_alive: bool
    ) -> tuple[bytes, bool]:
        """The response's bytes, and whether the connection ends with them; `servers` are the headers of every response."""
        if servers is not self._servers:  # they hold the time, and are made anew each second
            self._servers = servers
            self._good = self._render_good()
        stays = keep_alive and self._state.phase is not Phase.DRAINING
        plain = response.status == 200 and not response.headers and response.content_type == JSON
        if stays and plain:
            return self._good % len(response.body) + response.body, False
        ends = not stays or CLOSE in response.headers
        closing = (CLOSE,) if ends and CLOSE not in response.headers else ()
        own = () if response is BROKEN else (*self._identity, *closing)
        return render_response(response, own, before=servers), ends

    def _render_good(self) -> bytes:
        """All that good answers have in common, with a place for the length."""
        empty = render_response(Response(b""), self._identity, before=self._servers)
        return empty.replace(b"%", b"%%").replace(
            b"content-length: 0\r\n", b"content-length: %d\r\n", 1
        )
