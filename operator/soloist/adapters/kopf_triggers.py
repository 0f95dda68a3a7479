"""kopf watches and wakes; it does nothing else, and nothing else in Soloist knows it.

An event only marks a key dirty. No change handlers, timers or daemons: each of those writes to the objects.
kopf runs in a thread and event loop of its own, as its documentation advises for embedding: on exit it cancels every
task of its loop, and it takes the signals of the main thread for itself.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import kopf
from kubernetes.aio.config.incluster_config import SERVICE_CERT_FILENAME, SERVICE_TOKEN_FILENAME

from soloist.adapters.kube_transport import is_in_cluster, server_address
from soloist.core.kind import Kind
from soloist.core.objects import OWNER_KIND, OWNER_NAME, Key, KindRef

log = logging.getLogger(__name__)

# The kubelet renews a pod's token long before its end; logging in anew every ten minutes always finds a good one.
LOGIN_AGAIN = dt.timedelta(minutes=10)
# A watch ends and begins anew this often, so that a half-dead connection never lasts.
WATCH_SECONDS = 300

Wake = Callable[[Key], None]
Seen = Callable[[Key, bool], None]
Heard = Callable[[KindRef], None]


class KopfTriggers:
    """Watches from `start` to `stop`. `ended` tells that kopf gave up: the process should exit and begin anew."""

    def __init__(self, kinds: Iterable[Kind[Any]], wake: Wake, seen: Seen, heard: Heard) -> None:
        """The callbacks are called in the event loop that calls `start`: `wake` with the key of an object to look at,
        `seen` with the key of one of our own and whether it is gone, `heard` with a kind whose first event came."""
        self._kinds = tuple(kinds)
        self._wake = wake
        self._seen = seen
        self._heard = heard
        self._stop = threading.Event()
        self._ready = threading.Event()
        self.ended = asyncio.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        loop = asyncio.get_running_loop()

        def wake(key: Key) -> None:
            loop.call_soon_threadsafe(self._wake, key)

        def seen(key: Key, gone: bool) -> None:
            loop.call_soon_threadsafe(self._seen, key, gone)

        known: set[KindRef] = set()

        def heard(ref: KindRef) -> None:
            if ref not in known:
                known.add(ref)
                loop.call_soon_threadsafe(self._heard, ref)

        def run() -> None:
            try:
                asyncio.run(self._watch(wake, seen, heard))
            except Exception:
                log.exception("kopf ended")
            finally:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(self.ended.set)

        self._thread = threading.Thread(target=run, name="kopf", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 5)

    @property
    def is_ready(self) -> bool:
        """Whether the watches have begun."""
        return self._ready.is_set()

    async def _watch(self, wake: Wake, seen: Seen, heard: Heard) -> None:
        registry = kopf.OperatorRegistry()
        _register(registry, self._kinds, wake, seen, heard)
        try:
            await kopf.operator(
                registry=registry,
                settings=_settings(self._kinds),
                clusterwide=True,
                standalone=True,
                stop_flag=self._stop,
                ready_flag=self._ready,
            )
        finally:
            # kopf may end by itself, as when a kind that it watches is taken away. A thread of this loop waits for the flag, and
            # the loop for its threads: without it the end would never come, and nobody would know that nobody watches.
            self._stop.set()


def _settings(kinds: Iterable[Kind[Any]]) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.watching.server_timeout = WATCH_SECONDS
    settings.watching.client_timeout = WATCH_SECONDS + 30
    settings.watching.connect_timeout = 10
    settings.watching.chunk_size = 500
    settings.scanning.disabled = False  # KubeRay's kinds may appear later
    for ref in foreign(kinds):
        settings.watching.label_selectors[*_group_version(ref), ref.plural] = OWNER_NAME
    return settings


def _register(
    registry: kopf.OperatorRegistry,
    kinds: tuple[Kind[Any], ...],
    wake: Wake,
    seen: Seen,
    heard: Heard,
) -> None:
    """One `on.event` per kind. Errors in an event handler are never retried, so there is nothing in it to go wrong."""

    def declare_own(ref: KindRef) -> None:
        group, version = _group_version(ref)

        @kopf.on.event(group, version, ref.plural, id=f"own-{ref.plural}", registry=registry)
        async def own(**event: Any) -> None:
            heard(ref)
            key = Key(ref.kind, event["namespace"], event["name"])
            seen(key, event["type"] == "DELETED")
            _wake_owner(event["namespace"], event["labels"], known, wake)

    def declare_child(ref: KindRef) -> None:
        group, version = _group_version(ref)

        @kopf.on.event(group, version, ref.plural, id=f"child-{ref.plural}", registry=registry)
        async def child(**event: Any) -> None:
            heard(ref)
            _wake_owner(event["namespace"], event["labels"], known, wake)

    known = frozenset(kind.ref.kind for kind in kinds)
    for kind in kinds:
        declare_own(kind.ref)
    for ref in foreign(kinds):
        declare_child(ref)

    @kopf.on.login(id="login", registry=registry)
    async def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return _login(**kwargs)


def _wake_owner(
    namespace: str, labels: Mapping[str, str], known: frozenset[str], wake: Wake
) -> None:
    kind, name = labels.get(OWNER_KIND), labels.get(OWNER_NAME)
    if kind in known and name:
        wake(Key(kind, namespace, name))


def foreign(kinds: Iterable[Kind[Any]]) -> tuple[KindRef, ...]:
    """What we watch that is not ours: children and further kinds, each once, found by our labels."""
    kinds = tuple(kinds)
    own = {kind.ref for kind in kinds}
    watched = (ref for kind in kinds for ref in (*kind.children, *kind.watched))
    return tuple(dict.fromkeys(ref for ref in watched if ref not in own))


def _group_version(ref: KindRef) -> tuple[str, str]:
    group, _, version = ref.api_version.rpartition("/")
    return group, version


def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """The pod's service account, read anew at each login; else the kubeconfig."""
    if not is_in_cluster():
        return kopf.login_with_kubeconfig(**kwargs)
    return kopf.ConnectionInfo(
        server=server_address(),
        ca_path=SERVICE_CERT_FILENAME,
        scheme="Bearer",
        token=Path(SERVICE_TOKEN_FILENAME).read_text(encoding="utf-8").strip(),
        expiration=dt.datetime.now(dt.UTC) + LOGIN_AGAIN,
    )
