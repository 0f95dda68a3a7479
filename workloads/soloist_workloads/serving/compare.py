"""Asks the champion what this candidate was just asked, and counts how often the two differ.

In the shadow the gateway sends the candidate copies of requests, marked, with the champion's address. Nobody waits for
the answer to a copy, so here is the place where one may take its time: after the answer, beside the next requests, few
at once. What there is no room for is not compared, for a sample is as good.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from soloist_workloads.serving.agreement import compare
from soloist_workloads.serving.metrics import Metrics
from soloist_workloads.serving.wire import Scope, header

# The gateway sets the first two on copies, and takes all three from clients' requests.
SHADOW, CHAMPION, COMPARISON = b"x-soloist-shadow", b"x-soloist-champion", b"x-soloist-comparison"
MOST_AT_ONCE, MOST_WAITING = 4, 32
TIMEOUT_SECONDS = 5.0
# Of a body and of an answer: what waits is held in memory.
MOST_BYTES = 256 * 1024
STATUS_LINE = re.compile(rb"HTTP/1\.[01] 200 ")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,9}) *\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """What this version was asked, and what it said."""

    host: str
    port: int
    path: bytes
    content_type: str
    body: bytes
    answer: bytes


class Comparer:
    """Takes every answer; of those to copies it compares as many as it has room for."""

    def __init__(self, peers: str, metrics: Metrics) -> None:
        self._peers = peers_pattern(peers)
        self._metrics = metrics
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def offer(self, scope: Scope, body: bytes, answer: bytes) -> None:
        """Returns at once, and never fails: the client's answer has not left yet."""
        if header(scope, SHADOW) != "true" or len(self._tasks) >= MOST_AT_ONCE + MOST_WAITING:
            return
        peer = parse_peer(header(scope, CHAMPION), self._peers)
        if peer is None or max(len(body), len(answer)) > MOST_BYTES:
            return
        path, media = scope["raw_path"], header(scope, b"content-type")
        task = asyncio.create_task(self._compare(Question(*peer, path, media, body, answer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _compare(self, question: Question) -> None:
        async with self._places:
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    champions = await ask(question)
                    if champions is None:
                        return
                    found = await asyncio.to_thread(compare, question.answer, champions)
            except (OSError, TimeoutError, EOFError, ValueError, asyncio.LimitOverrunError):
                return  # a champion that is away says nothing about this version
        if found is not None:
            self._metrics.compared_answers.inc()
            self._metrics.disagreeing_answers.inc(not found.agrees)
            self._metrics.answer_distance.inc(found.distance)


def peers_pattern(peers: str) -> re.Pattern[str] | None:
    """`flights-v*.demo.svc.cluster.local.:8080`: the star is a version's number. Without peers nobody is asked."""
    if not peers:
        return None
    return re.compile("[0-9]{1,10}".join(re.escape(part) for part in peers.split("*")))


def parse_peer(text: str, peers: re.Pattern[str] | None) -> tuple[str, int] | None:
    """Host and port, where it is a version of the same endpoint: whoever forges the header reaches nothing else."""
    if peers is None or peers.fullmatch(text) is None:
        return None
    host, _, port = text.rpartition(":")
    return (host, int(port)) if host and port.isdecimal() else None


async def ask(question: Question) -> bytes | None:
    """The champion's answer to the same question; None where it is no answer."""
    reader, writer = await asyncio.open_connection(question.host, question.port)
    try:
        writer.write(_request(question))
        # Without the drain: a body is small, and who doesn't read it doesn't answer either.
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        if STATUS_LINE.match(head) is None or length is None or int(length[1]) > MOST_BYTES:
            return None
        return await reader.readexactly(int(length[1]))
    finally:
        writer.close()


def _request(question: Question) -> bytes:
    lines = (
        f"POST {question.path.decode('latin-1')} HTTP/1.1",
        f"host: {question.host.rstrip('.')}:{question.port}",
        f"content-type: {question.content_type}",
        f"content-length: {len(question.body)}",
        f"{COMPARISON.decode()}: true",
        "connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode("latin-1") + question.body
