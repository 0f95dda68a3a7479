"""What people read when the API server refuses a write."""

from __future__ import annotations

import pytest

from soloist.control.ports import ClusterError
from soloist.control.words import failure
from soloist.core.objects import DEPLOYMENT, ObjectRef

REF = ObjectRef(DEPLOYMENT, "demo", "delays-gateway")


@pytest.mark.parametrize(
    ("code", "said", "reason", "todo"),
    [
        (
            403, 'deployments.apps "delays-gateway" is forbidden: exceeded quota: small, requested: cpu=2',
            "QuotaExceeded", "Ask for less in the spec",
        ),
        (
            403, 'deployments.apps "delays-gateway" is forbidden: User "x" cannot patch resource "deployments"',
            "Refused", "Ask an administrator to upgrade",
        ),
        (
            403, "deployments.apps is forbidden: unable to create new content in namespace demo because it is being terminated",
            "Refused", "There is nothing to correct",
        ),
        (
            422, 'Deployment.apps "delays-gateway" is invalid: spec.replicas: must be at least 0',
            "Refused", "Correct the field of the spec",
        ),
    ],
    ids=["quota", "rights", "a namespace on its way out", "a wrong value"],
)  # fmt: skip
def test_each_refusal_says_what_to_do(code: int, said: str, reason: str, todo: str) -> None:
    told = failure(ClusterError(said, code=code), REF)
    assert told.reason == reason
    assert todo in told.message
    assert "Deployment demo/delays-gateway" in told.message
