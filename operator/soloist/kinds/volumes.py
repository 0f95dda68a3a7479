"""A volume that the operator makes."""

from __future__ import annotations

from typing import Any

from soloist.api.fields import canonical_quantity
from soloist.api.platform import Platform


def volume_claim(name: str, namespace: str, size: str, platform: Platform) -> dict[str, Any]:
    """A PersistentVolumeClaim as the administrator set it up."""
    spec: dict[str, Any] = {
        "accessModes": [platform.volumes.access_mode],
        "resources": {"requests": {"storage": canonical_quantity(size)}},
    }
    if platform.volumes.storage_class is not None:
        spec["storageClassName"] = platform.volumes.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
