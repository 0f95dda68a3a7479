"""A volume that the operator makes."""

from __future__ import annotations

from typing import Any

from soloist.api.amounts import canonical_quantity
from soloist.api.platform import Platform
from soloist.core.objects import Manifest


def volume_claim(
    name: str,
    namespace: str,
    size: str | None,
    live: Manifest | None,
    platform: Platform,
    default: str,
) -> dict[str, Any]:
    """A PersistentVolumeClaim as the administrator set it up when it was made.

    A claim that exists keeps its class, its access mode and, unless its owner names a size, its size: Kubernetes lets
    none of them be changed freely, so a new default of the platform's would be refused for every volume there is.
    """
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": _new(size or default, platform) if live is None else _kept(size, live["spec"]),
    }


def _new(size: str, platform: Platform) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "accessModes": [platform.volumes.access_mode],
        "resources": {"requests": {"storage": canonical_quantity(size)}},
    }
    if platform.volumes.storage_class is not None:
        spec["storageClassName"] = platform.volumes.storage_class
    return spec


def _kept(size: str | None, live: Manifest) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "accessModes": live["accessModes"],
        "resources": {
            "requests": {
                "storage": canonical_quantity(size)
                if size is not None
                else live["resources"]["requests"]["storage"]
            }
        },
    }
    if live.get("storageClassName") is not None:
        spec["storageClassName"] = live["storageClassName"]
    return spec
