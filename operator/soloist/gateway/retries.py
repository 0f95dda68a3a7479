"""Which failed requests are asked again, and where.

A prediction is a read: asking twice changes nothing in the world, so any answer that isn't one may be asked for again,
POST or not. What a pod refused with a 4xx is the sender's mistake and stays the answer.
"""

from __future__ import annotations

from soloist.gateway.plan import Backend, GatewayPlan
from soloist.gateway.xds import Message, extension, seconds

# 5xx holds gateway-error, resets, refused connections, a try that took too long, and the 503 of a busy pod.
RETRY_ON = "5xx,reset,connect-failure,refused-stream"
# The second finds another pod of the rung, if there is one.
TRIES_PER_RUNG = 2
FIRST_PAUSE_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 0.05


def retry_policy(plan: GatewayPlan, rungs: tuple[Backend, ...]) -> Message:
    """Two tries on each rung and one on the last, so that a request reaches it whoever died a moment ago.

    Under a candidate each rung has one: its errors are what a rollout looks for, and its users shouldn't pay for them.
    """
    tries = 1 if rungs[0].rung == "candidate" else TRIES_PER_RUNG
    return {
        "retry_on": RETRY_ON,
        "num_retries": max(1, tries * (len(rungs) - 1)),
        "per_try_timeout": seconds(plan.try_timeout),
        "retry_priority": extension(
            "envoy.retry_priorities.previous_priorities",
            "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
            update_frequency=tries,
        ),
        "retry_host_predicate": [
            extension(
                "envoy.retry_host_predicates.previous_hosts",
                "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
            )
        ],
        "host_selection_retry_max_attempts": 5,
        "retry_back_off": {
            "base_interval": seconds(FIRST_PAUSE_SECONDS),
            "max_interval": seconds(LONGEST_PAUSE_SECONDS),
        },
    }
