"""One line for `kubectl get`: columns show single fields, and these say what several fields mean together."""

from __future__ import annotations

from soloist.api.v1alpha1.rollout_status import Evidence, RolloutRecord
from soloist.rollout.records import active

# In the other stages no client gets its answers, or a share that is not meant to be one.
WEIGHTED = ("Canary", "Paused", "Swapping")
LONGEST_VERDICT = 640
_GRAVEST = ("Fail", "NotEnoughData", "Pass")


def rollout(record: RolloutRecord) -> str | None:
    """`v5 Canary 10 %`."""
    going = active(record)
    if going is None:
        return None
    share = f" {going.weight} %" if going.stage in WEIGHTED else ""
    return f"v{going.version} {going.stage}{share}"


def last_verdict(record: RolloutRecord) -> str | None:
    """The gravest verdict of the last version that was judged, with its numbers; of several such gates the first."""
    judged = record.rollout
    if judged is None or not judged.evidence:
        return None
    gravest = min(judged.evidence, key=_gravity)
    line = f"v{judged.version} {gravest.verdict}: {gravest.gate} {gravest.message}"
    return line[:LONGEST_VERDICT]


def _gravity(one: Evidence) -> tuple[int, bool]:
    """Of two that pass, what the answers were like says more than that the pods run."""
    return _GRAVEST.index(one.verdict), one.gate == "pods"
