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
from soloist.kinds.modelendpoint import names, policy, traffic
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
    if before.asked is not None and facts.now - before.asked < EVERY:
        return ()
    world = policy.world(endpoint, facts, platform)
    if not is_needed(endpoint.spec.rollout, rollout, world, facts.now):
        return ()
    pods = tuple(_ready(facts.pods.get(endpoint.status.release.champion or "", ())))
    lived = (facts.now - parse_time(str(rollout.live_since))).total_seconds()
    ask = {
        "round": f"{before.stage} {before.since.isoformat()}",
        "requests": -(-REQUESTS_AT_A_TIME // max(len(pods), 1)),
        "olderThan": lived + EVERY.total_seconds(),
    }
    return tuple(
        AskPod(f"http://{address}:{names.SERVER_PORT}{PATH}", json.dumps(ask)) for address in pods
    )


def _ready(pods: tuple[Manifest, ...]) -> Iterator[str]:
    """The addresses of pods that answer."""
    for pod in pods:
        address = (pod.get("status") or {}).get("podIP")
        if is_ready(pod) and address and "deletionTimestamp" not in pod["metadata"]:
            yield str(address)
