"""The composition root: settings → adapters → kinds → run."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import sys
from collections.abc import Awaitable, Iterable
from typing import Any

from soloist.adapters.election import Election
from soloist.adapters.git_refs import GitRefs
from soloist.adapters.health import serve_health
from soloist.adapters.kopf_triggers import KopfTriggers, foreign
from soloist.adapters.kube_client import KubeCluster
from soloist.adapters.kube_transport import Transport, connect
from soloist.adapters.mlflow_rest import MLflowRest
from soloist.adapters.mlflow_tracking import MLflowTracking
from soloist.adapters.pod_pages import PodPages
from soloist.adapters.prom_meter import PromMeter
from soloist.adapters.system_clock import SystemClock
from soloist.control.dispatch import Dispatch, Roster, resync_forever
from soloist.control.doorbell import Doorbell
from soloist.control.hearing import Hearing
from soloist.control.ports import Memory, Ports
from soloist.control.queue import Queue
from soloist.core.kind import Kind
from soloist.core.objects import Key
from soloist.kinds.registry import KINDS
from soloist.logs import set_up_logs
from soloist.settings import BadSettings, Settings, read_settings

log = logging.getLogger(__name__)

GOOD, FAULT, BAD_SETTINGS = 0, 1, 2


def main() -> int:
    """Run the operator until SIGTERM. A wrong configuration is one sentence and the exit code 2."""
    try:
        settings = read_settings()
    except BadSettings as error:
        print(error, file=sys.stderr)
        return BAD_SETTINGS
    set_up_logs(settings.log_level)
    return asyncio.run(run(settings))


async def run(settings: Settings, kinds: Iterable[Kind[Any]] = KINDS) -> int:
    """Wait for the lease, then act until told to stop (0) or until something ends that must not (1)."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    client = await connect()
    election = Election(
        namespace=settings.namespace, name=settings.lease, identity=settings.identity
    )
    operator = Operator(settings, tuple(kinds), Transport(client, allowed=election.check))
    health = await serve_health(
        settings.port,
        healthy=lambda: True,
        ready=lambda: operator.is_ready,
        metrics=operator.meter.page,
    )
    election.start()
    try:
        return await _serve(operator, election, stop)
    finally:
        await election.stop()  # first of all: the next one waits for it
        await _within(5, operator.stop())
        await health.cleanup()
        await client.close()  # type: ignore[no-untyped-call]  # the client has no annotations


async def _serve(operator: Operator, election: Election, stop: asyncio.Event) -> int:
    """Wait for our turn and take it; the exit code."""
    ended = await _first(stop.wait(), election.won.wait(), election.lost.wait())
    if ended == 1:
        operator.meter.leads(True)
        ended = await _first(stop.wait(), operator.work(), election.lost.wait())
    log.info("stopping", extra={"reason": ("signal", "fault", "lease lost")[ended]})
    return GOOD if ended == 0 else FAULT


async def _first(*waits: Any) -> int:
    """Which of them ended first; the others are cancelled. What it raised is raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ended = next(index for index, task in enumerate(tasks) if task.done())
        tasks[ended].result()
        return ended
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _within(seconds: float, work: Awaitable[None]) -> None:
    """Do this, but not for longer: we are on our way out."""
    try:
        await asyncio.wait_for(work, seconds)
    except TimeoutError:
        log.warning("did not end in time", extra={"seconds": seconds})


class Operator:
    """Everything that only the leader does."""

    def __init__(
        self, settings: Settings, kinds: tuple[Kind[Any], ...], transport: Transport
    ) -> None:
        self.meter = PromMeter()
        self._kinds = kinds
        self._workers = settings.workers
        self._roster = Roster()
        self._cluster = KubeCluster(transport)
        self._mlflow = MLflowRest(
            settings.platform.mlflow.tracking_uri, settings.mlflow_credentials
        )
        self._pages = PodPages()
        self._doorbell = Doorbell()
        ports = Ports(
            cluster=self._cluster,
            tracking=MLflowTracking(self._mlflow),
            git=GitRefs(fresh_for=settings.platform.git_poll_seconds),
            meter=self.meter,
            pages=self._pages,
            clock=SystemClock(),
            memory=Memory(),
            doorbell=self._doorbell,
        )
        by_name = {kind.ref.kind: kind for kind in kinds}
        dispatch = Dispatch(by_name, settings.platform, ports, self._roster)
        self._queue = Queue(dispatch, chance=random.random, depth=self.meter.depth)
        dispatch.wake = self._queue.add
        self._hearing = Hearing((kind.ref for kind in kinds), foreign(kinds))
        self._triggers = KopfTriggers(kinds, self._queue.add, self._seen, self._hearing.heard)
        self._leads = False

    @property
    def is_ready(self) -> bool:
        """A replica that waits for the lease is ready to take it; one that has it, when its watches run."""
        return not self._leads or self._triggers.is_ready

    async def work(self) -> None:
        """Watch, resync and reconcile; returning or raising means that something broke."""
        self._leads = True
        self._triggers.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._queue.run(self._workers))
            for kind in self._kinds:
                group.create_task(
                    resync_forever(kind, self._cluster, self._queue, self._roster, random.random)
                )
            group.create_task(self._watch_the_watcher())
            group.create_task(self._hearing.listen(self._cluster))
            group.create_task(self._doorbell.listen(self._pages.get, self._queue.add))

    async def stop(self) -> None:
        await self._triggers.stop()
        await self._mlflow.close()
        await self._pages.close()

    async def _watch_the_watcher(self) -> None:
        await self._triggers.ended.wait()
        raise RuntimeError("kopf ended; the process begins anew")

    def _seen(self, key: Key, gone: bool) -> None:
        """An event of one of our own objects."""
        if gone:
            self._roster.leave(key)
            self._queue.forget(key)
            return
        self._roster.enter(key)
        self._queue.add(key)
