"""Whether an endpoint may be without pods: nobody asked for long, nobody waits, and nothing is being rolled out.

What is counted is kept in status and not in the process: the number of answers, and when it was last seen to grow. So an
operator that was away, or began anew, asks one question of the gateways and knows whether anyone came meanwhile. It is
written at most once in a tenth of the time that it takes to fall asleep, however busy the endpoint is.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from soloist.api.amounts import duration_value
from soloist.api.conditions import parse_time, rfc3339
from soloist.api.v1alpha1.replicas import Activity
from soloist.gateway.readings import NOBODY
from soloist.kinds.modelendpoint import names
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.rollout.records import active

COARSEST = timedelta(minutes=1)


def is_asleep(endpoint: Endpoint) -> bool:
    """As it was recorded: pods go and come for this alone."""
    activity = endpoint.status.activity
    can_sleep = endpoint.spec.replicas.min == 0
    return can_sleep and activity is not None and activity.asleep_since is not None


def advance(endpoint: Endpoint, facts: EndpointFacts) -> Activity | None:
    """What to remember now; None where pods never go."""
    if endpoint.spec.replicas.min > 0:
        return None
    before = endpoint.status.activity
    if before is None:
        return Activity(last_request_time=rfc3339(facts.now), requests=_answered(facts) or 0)
    if before.asleep_since is not None:
        return _sleeping(endpoint, before, facts)
    return _awake(endpoint, before, facts)


def _sleeping(endpoint: Endpoint, before: Activity, facts: EndpointFacts) -> Activity:
    answered = _answered(facts)
    came = facts.held > 0 or (answered is not None and answered > before.requests)
    if came or active(endpoint.status.release) is not None:
        now = rfc3339(facts.now)
        known = before.requests if answered is None else answered
        return Activity(last_request_time=now, requests=known, waking_since=now)
    if answered is None or answered == before.requests:
        return before
    # Fewer: a gateway began to count anew.
    return before.model_copy(update={"requests": answered})


def _awake(endpoint: Endpoint, before: Activity, facts: EndpointFacts) -> Activity:
    before = _woken(endpoint, before, facts)
    answered, idle_after = _answered(facts), _idle_after(endpoint)
    is_busy = facts.held > 0 or (answered is not None and answered != before.requests)
    if is_busy:
        coarse = min(COARSEST, idle_after / 10)
        if facts.now - parse_time(before.last_request_time) < coarse:
            return before
        known = before.requests if answered is None else answered
        update = {"last_request_time": rfc3339(facts.now), "requests": known}
        return before.model_copy(update=update)
    if answered is None or not _may_sleep(endpoint, before, facts.now, idle_after):
        return before
    return before.model_copy(update={"asleep_since": rfc3339(facts.now), "waking_since": None})


def _woken(endpoint: Endpoint, before: Activity, facts: EndpointFacts) -> Activity:
    if before.waking_since is None or not _is_up(endpoint, facts):
        return before
    return before.model_copy(update={"waking_since": None})


def _is_up(endpoint: Endpoint, facts: EndpointFacts) -> bool:
    champion = facts.deployments.get(endpoint.status.release.champion or "")
    return champion is not None and bool((champion.get("status") or {}).get("readyReplicas"))


def _may_sleep(
    endpoint: Endpoint, activity: Activity, now: datetime, idle_after: timedelta
) -> bool:
    """A version that has just taken over stays for as long as a request's would: somebody may want to look at it."""
    release = endpoint.status.release
    if release.champion is None or active(release) is not None or activity.waking_since is not None:
        return False
    changed = endpoint.status.last_change_time
    since = parse_time(activity.last_request_time)
    return now - max(since, parse_time(changed) if changed else since) >= idle_after


def _idle_after(endpoint: Endpoint) -> timedelta:
    """Not less than the longest request takes: one that is still being answered was not counted yet."""
    longest = duration_value(endpoint.spec.gateway.timeout)
    return max(duration_value(endpoint.spec.replicas.idle_after), longest)


def _answered(facts: EndpointFacts) -> int | None:
    """Requests that a version answered, over all gateways. None where one of them can't be asked: fewer would look like a
    gateway that began anew. What the gateways refuse by themselves keeps nobody awake."""
    running = {
        pod["metadata"]["name"]
        for pod in facts.gateway_pods
        if (pod.get("status") or {}).get("phase", "Running") == "Running"
    }
    if not running or not running <= facts.readings.keys():
        return None
    return sum(
        count
        for pod in running
        for (_, rung), count in facts.readings[pod].answers_by_version().items()
        if rung != NOBODY
    )


def tell(endpoint: Endpoint, activity: Activity | None, now: datetime) -> str:
    """The sentence for an endpoint that is asleep, or wakes in time; empty for any other."""
    served, replicas = endpoint.status.release.champion, endpoint.spec.replicas
    if activity is None or served is None:
        return ""
    if activity.asleep_since is not None:
        return (
            f"Asleep since {activity.asleep_since}: nobody asked for {replicas.idle_after}. The next request wakes"
            f" v{served} and waits for it, at most {replicas.wake_timeout}."
        )
    if activity.waking_since is None:
        return ""
    if now - parse_time(activity.waking_since) > duration_value(replicas.wake_timeout):
        return ""
    return f"Waking v{served} since {activity.waking_since}: requests wait for its first pod."


def doors(activity: Activity | None, facts: EndpointFacts) -> tuple[str, ...]:
    """Where to hear, while it sleeps, that a request waits: at each gateway."""
    if activity is None or activity.asleep_since is None:
        return ()
    addresses = ((pod.get("status") or {}).get("podIP") for pod in facts.gateway_pods)
    return tuple(
        f"http://{address}:{names.HELD_PORT}{names.HELD_PATH}" for address in addresses if address
    )
