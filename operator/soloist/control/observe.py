"""The only reader: questions in, a snapshot of the world out."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from typing import Any, assert_never

from soloist.api.conditions import Reason
from soloist.control.ports import ClusterError, KindMissing, Ports, Unreachable
from soloist.control.words import missing
from soloist.core.effects import (
    FindModel,
    FindTrackedRun,
    GetObject,
    IsThere,
    ListObjects,
    PodPage,
    Problem,
    Read,
    ReadPages,
    ReadUrl,
    Recall,
    ResolveGit,
    TailLog,
)
from soloist.core.metric import FindMetric
from soloist.core.objects import POD, SECRET, ObjectRef
from soloist.core.seen import Seen

# A head's log carries several steps' lines; this many are fetched to find the last few of one.
LOG_LINES = 2000
# A log is read from the pod's machine. One that hangs must not hold up the run that it tells of.
LOG_SECONDS = 5


async def observe(reads: Iterable[Read], ports: Ports) -> Seen:
    """Ask every question once, all at the same time.

    A system that does not answer, or a kind that is not installed, is an answer (`Problem`): decisions can be taken
    on it. An API server that does not answer is none: ClusterError is let through and the reconcile ends.
    """
    questions = tuple(dict.fromkeys(reads))
    answers = await asyncio.gather(*(_answer(read, ports) for read in questions))
    return Seen(ports.clock.now(), dict(zip(questions, answers, strict=True)))


async def _answer(read: Read, ports: Ports) -> Any:
    try:
        return await _ask(read, ports)
    except Unreachable as error:
        return Problem(error.reason, str(error))
    except KindMissing:
        assert isinstance(read, GetObject | IsThere | ListObjects)
        return missing(read.kind)


async def _ask(read: Read, ports: Ports) -> Any:  # noqa: C901, PLR0911 - one return for each question
    match read:
        case GetObject(kind, namespace, name):
            return await ports.cluster.get(ObjectRef(kind, namespace, name))
        case IsThere(kind, namespace, name):
            return await ports.cluster.is_there(ObjectRef(kind, namespace, name))
        case ListObjects(kind, namespace, labels):
            return await ports.cluster.list(kind, namespace, dict(labels))
        case TailLog():
            return await _tail(read, ports)
        case ResolveGit():
            return await _resolve(read, ports)
        case FindTrackedRun(experiment, uid):
            return await ports.tracking.find_run(experiment, uid)
        case FindModel(name, versions):
            return await ports.tracking.find_model(name, versions)
        case FindMetric(model, version, metric):
            return await ports.tracking.find_metric(model, version, metric)
        case ReadPages():
            return await _read_pages(read, ports)
        case ReadUrl(url):
            return await ports.pages.get(url)
        case Recall(uid):
            return ports.memory.recall(uid)
        case _:
            assert_never(read)


async def _read_pages(read: ReadPages, ports: Ports) -> tuple[PodPage, ...]:
    pods = await ports.cluster.list(POD, read.namespace, dict(read.labels))
    urls = {
        pod["metadata"]["name"]: f"http://{pod['status']['podIP']}:{read.port}{read.path}"
        for pod in pods
        if (pod.get("status") or {}).get("podIP") and "deletionTimestamp" not in pod["metadata"]
    }
    texts = await asyncio.gather(*(ports.pages.get(url) for url in urls.values()))
    return tuple(PodPage(pod, text) for pod, text in zip(urls, texts, strict=True))


async def _tail(read: TailLog, ports: Ports) -> tuple[str, ...]:
    """The last lines; none where the log can't be read: a log that is out of reach must not stop a run."""
    try:
        pods = await ports.cluster.list(POD, read.namespace, dict(read.labels))
        if not pods:
            return ()
        newest = max(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
        async with asyncio.timeout(LOG_SECONDS):
            text = await ports.cluster.log_tail(
                read.namespace, newest["metadata"]["name"], read.container, LOG_LINES
            )
    except (ClusterError, TimeoutError):
        return ()
    lines = (line for line in text.splitlines() if line.startswith(read.prefix))
    return tuple(line.removeprefix(read.prefix) for line in lines)[-read.lines :]


async def _resolve(read: ResolveGit, ports: Ports) -> str | Problem:
    if read.secret_name is None:
        return await ports.git.resolve(read.url, read.ref, None)
    secret = await ports.cluster.get(ObjectRef(SECRET, read.namespace, read.secret_name))
    if secret is None:
        return Problem(
            Reason.SECRET_MISSING,
            f"Secret {read.secret_name} is not in namespace {read.namespace}. Create it with the keys username and "
            "password, or take secretName out of the source.",
        )
    values = {
        key: base64.b64decode(value).decode(errors="replace").strip()
        for key, value in (secret.get("data") or {}).items()
    }
    credentials = (values.get("username", ""), values.get("password", values.get("token", "")))
    return await ports.git.resolve(read.url, read.ref, credentials)
