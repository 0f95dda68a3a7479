"""The champion's pods are asked to send kept requests again, while a shadow lacks them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

from soloist.api.conditions import parse_time
from soloist.api.platform import Platform
from soloist.core.asking import AskPod
from soloist.core.objects import Manifest
from soloist.core.tally import is_ready
from soloist.kinds.modelendpoint import names, policy, routing, traffic
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.rollout.records import active
from soloist.rollout.replay import is_needed

PATH = "/replay"
EVERY = timedelta(seconds=1)
# All pods together: a load that no champion notices.
REQUESTS_AT_A_TIME = 20


def asks(endpoint: Endpoint, facts: EndpointFacts, platform: Platform) -> tuple[AskPod, ...]:
    """One for each of the champion's ready pods; none while the shadow does without, or was fed a moment ago.

    Kept requests are each sent once for as long as the counts go on. Counts that begin anew, with a new stage or a new process of the
    operator, are another round.
    """
    rollout, before = active(endpoint.status.release), facts.memory
    if rollout is None or not isinstance(before, traffic.Memory) or before.since is None:
        return ()
    if before.stage != policy.stage(endpoint):
        return ()
    number, every = _pace(endpoint, platform)
    if before.asked is not None and facts.now - before.asked < every:
        return ()
    world = policy.world(endpoint, facts, platform)
    if not is_needed(endpoint.spec.rollout, rollout, world, facts.now):
        return ()
    lived = (facts.now - parse_time(str(rollout.live_since))).total_seconds()
    champions = facts.pods.get(endpoint.status.release.champion or "", ())
    pods = _in_turn(tuple(_ready(champions)), int(lived))[:number]
    ask = {
        "round": f"{before.stage} {before.since.isoformat()}",
        "requests": number // max(len(pods), 1),
        "olderThan": lived + every.total_seconds(),
    }
    return tuple(
        AskPod(f"http://{address}:{names.SERVER_PORT}{PATH}", json.dumps(ask)) for address in pods
    )


def _pace(endpoint: Endpoint, platform: Platform) -> tuple[int, timedelta]:
    """How many at a time, and how often. Of a rate limit they take half at most, wherever they arrive: clients need the rest."""
    plan = routing.plan(endpoint, platform)
    limit = plan.rate_limit if plan is not None else None
    if limit is None:
        return REQUESTS_AT_A_TIME, EVERY
    number = min(max(limit // 2, 1), REQUESTS_AT_A_TIME)
    return number, max(EVERY, EVERY * 2 * number / limit)


def _in_turn(pods: tuple[str, ...], turn: int) -> tuple[str, ...]:
    """Another one first each time, so that each has its turn where there are more pods than requests."""
    start = turn % max(len(pods), 1)
    return pods[start:] + pods[:start]


def _ready(pods: tuple[Manifest, ...]) -> Iterator[str]:
    """The addresses of pods that answer."""
    for pod in pods:
        address = (pod.get("status") or {}).get("podIP")
        if is_ready(pod) and address and "deletionTimestamp" not in pod["metadata"]:
            yield str(address)
