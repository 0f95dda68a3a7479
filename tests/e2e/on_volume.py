"""A script beside the files of a project's volume: what a user would do in a notebook, in seconds instead of a Run."""

from __future__ import annotations

from tests.e2e.kubectl import Manifest
from tests.e2e.load import pod
from tests.e2e.room import Room

FOLDER = "/data"


def volume(claim: str) -> Manifest:
    """A claim for a small volume."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    meta = {"name": claim}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


def run_on_volume(room: Room, name: str, script: str, *, image: str, claim: str) -> str:
    """What the script printed; it finds the volume where a step would, below SOLOIST_STORAGE."""
    made = pod(name, image, ["python", "-c", script], {"SOLOIST_STORAGE": FOLDER})
    spec = made["spec"]
    spec["volumes"].append({"name": "volume", "persistentVolumeClaim": {"claimName": claim}})
    spec["containers"][0]["volumeMounts"].append({"name": "volume", "mountPath": FOLDER})
    room.apply(made)
    phase, said = room.until_pod_ended(name, within=60)
    assert phase == "Succeeded", said
    return said
