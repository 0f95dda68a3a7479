"""How many more pods a namespace's quotas leave room for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from soloist.api.amounts import quantity_value
from soloist.core.objects import Manifest


def room(quotas: Iterable[Manifest], cpu: str, memory: str) -> int | None:
    """Pods of this size that fit; None where no quota counts them. A quota for some pods only (by scope) is passed over: whether
    ours are among them is the API server's to say."""
    needs = _needs(quantity_value(cpu), quantity_value(memory))
    left = [
        int(max(0.0, quantity_value(str(hard)) - _used(quota, name)) / needs[name] + 1e-9)
        for quota in quotas
        if not _is_scoped(quota)
        for name, hard in ((quota.get("status") or {}).get("hard") or {}).items()
        if name in needs
    ]
    return min(left) if left else None


def _needs(cores: float, bytes_: float) -> Mapping[str, float]:
    return {
        "pods": 1,
        "count/pods": 1,
        "cpu": cores,
        "requests.cpu": cores,
        "memory": bytes_,
        "requests.memory": bytes_,
        "limits.memory": bytes_,
    }


def _used(quota: Manifest, name: str) -> float:
    return quantity_value(str((quota["status"].get("used") or {}).get(name, "0")))


def _is_scoped(quota: Manifest) -> bool:
    spec = quota.get("spec") or {}
    return bool(spec.get("scopes") or spec.get("scopeSelector"))
