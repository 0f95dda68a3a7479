"""Which failed requests are asked again, and where.

A prediction is a read: asking twice changes nothing in the world, so any answer that isn't one may be asked for again,
POST or not. What a pod refused with a 4xx is the sender's mistake and stays the answer.
"""

from __future__ import annotations

from soloist.gateway.plan import GatewayPlan
from soloist.gateway.xds import Message, extension, seconds

# A pod says so of an answer 400 whose cause is its model, not the request's form.
MODEL_FAILED_HEADER = "x-soloist-model-failed"
# The request doesn't fit the version's signature, or its model raised.
REFUSALS = (400, 422)
# 5xx holds gateway-error, resets, refused connections, a try that took too long, and the 503 of a busy pod.
RETRY_ON = "5xx,reset,connect-failure,refused-stream"
FIRST_PAUSE_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 0.05


def retry_policy(plan: GatewayPlan) -> Message:
    """One try on each rung, at once, so that a request reaches the last whoever died a moment ago.

    Not two on a rung of several pods: Envoy looks at who is well only when it leaves a rung, so the second try can meet a
    rung whose pods were taken out since the first, and that is an error. The price is small: a dying pod fails three
    requests before it's out, and the next rung answers those. Where there is one rung only, the second try is for
    another of its pods.
    """
    policy = {
        "retry_on": RETRY_ON,
        "num_retries": max(1, len(plan.backends) - 1 + (plan.waiting is not None)),
        # With a waiting room the versions' clusters limit a try (`waiting.try_limit`).
        "per_try_timeout": seconds(plan.longest_seconds if plan.waiting else plan.try_timeout),
        "retry_priority": extension(
            "envoy.retry_priorities.previous_priorities",
            "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
            update_frequency=1,
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
    if plan.weight:
        # While a version is on trial, another one is asked before its refusal is believed: a model that raises is answered
        # with 400, as MLflow does, and one that wants a column that the champion does without refuses good requests.
        policy |= {
            "retry_on": f"{RETRY_ON},retriable-status-codes",
            "retriable_status_codes": list(REFUSALS),
        }
    return policy
