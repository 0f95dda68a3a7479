"""An API server of dictionaries: as much of the real one as the loop can notice.

It runs the same contract suite as the adapter (`tests/apiserver/contract`). It keeps and hands out copies, so that no
test can change "the server" by accident.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from soloist.api.conditions import rfc3339
from soloist.control.ports import Clock, ClusterError, KindMissing
from soloist.core.objects import MANAGER, KindRef, Manifest, ObjectRef
from tests.support.fake_apply import fields_of, merged, without_lost

# Of these the status is a subresource: an apply of the object leaves it alone.
WITH_STATUS = ("soloist.dev/", "apps/", "ray.io/", "policy/")


class FakeCluster:
    """Objects by reference. `missing` are kinds that are not installed."""

    def __init__(self, missing: Iterable[KindRef] = (), clock: Clock | None = None) -> None:
        self.missing = set(missing)
        self._clock = clock
        self.objects: dict[ObjectRef, dict[str, Any]] = {}
        self.logs: dict[tuple[str, str, str], str] = {}
        self.refuse: dict[str, ClusterError] = {}
        """Errors by kind that every write of it is answered with: a quota, say."""
        self.writes: list[tuple[str, ObjectRef]] = []
        self._versions = itertools.count(1000)
        self._uids = itertools.count(1)

    # -- the port

    async def get(self, ref: ObjectRef) -> Manifest | None:
        self._known(ref.kind)
        body: Manifest | None = _copy(self.objects.get(ref))
        return body

    async def is_there(self, ref: ObjectRef) -> bool:
        self._known(ref.kind)
        return ref in self.objects

    async def list(
        self, kind: KindRef, namespace: str | None, labels: Mapping[str, str]
    ) -> tuple[Manifest, ...]:
        self._known(kind)
        return tuple(
            _copy(body)
            for ref, body in sorted(self.objects.items())
            if ref.kind == kind
            and namespace in (None, ref.namespace)
            and labels.items() <= (body["metadata"].get("labels") or {}).items()
        )

    async def log_tail(self, namespace: str, pod: str, container: str, lines: int) -> str:
        return "\n".join(self.logs.get((namespace, pod, container), "").splitlines()[-lines:])

    async def create(self, ref: ObjectRef, manifest: Manifest) -> None:
        self._write("create", ref)
        if ref in self.objects:
            raise ClusterError(f"{ref} exists", code=409, reason="Conflict")
        body = merged({}, _copy(dict(manifest)))
        body.pop("status", None)
        body["metadata"] |= {
            "namespace": ref.namespace,
            "uid": f"uid-{next(self._uids)}",
            "generation": 1,
            "creationTimestamp": self._now(),
            "managedFields": [_entry(manifest)],
        }
        self._put(ref, body)

    async def apply(self, ref: ObjectRef, manifest: Manifest, uid: str) -> None:
        self._write("apply", ref)
        live = self.objects.get(ref)
        if live is None or live["metadata"]["uid"] != uid:
            raise ClusterError(f"{ref} is another object", code=409, reason="Conflict")
        mine = _entry(manifest)
        before = next((e for e in live["metadata"]["managedFields"] if _is_ours(e)), None)
        kept = without_lost(live, before["fieldsV1"] if before else {}, mine["fieldsV1"])
        body = merged(kept, _no_status(_copy(dict(manifest))))
        others = [e for e in live["metadata"]["managedFields"] if not _is_ours(e)]
        body["metadata"]["managedFields"] = [*others, mine]
        if body.get("spec") != live.get("spec"):
            body["metadata"]["generation"] += 1
        if body != live:
            self._put(ref, body)

    async def strip(self, ref: ObjectRef, uid: str, pointers: tuple[str, ...]) -> None:
        self._write("strip", ref)
        live = self.objects.get(ref)
        if live is None or live["metadata"]["uid"] != uid:
            return
        body = _copy(live)
        for pointer in reversed(pointers):
            *way, last = (
                part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")
            )
            place: Any = body
            for part in way:
                place = place[int(part)] if isinstance(place, list) else place.get(part, {})
            if last not in place:
                return
            del place[last]
        body["metadata"]["generation"] += 1
        self._put(ref, body)

    async def delete(self, ref: ObjectRef, uid: str) -> None:
        self._write("delete", ref)
        live = self.objects.get(ref)
        if live is None or live["metadata"]["uid"] != uid:
            return
        if live["metadata"].get("finalizers"):
            live["metadata"].setdefault("deletionTimestamp", self._now())
            self._put(ref, live)
            return
        del self.objects[ref]

    async def apply_status(self, ref: ObjectRef, uid: str, status: Mapping[str, Any]) -> None:
        self._write("status", ref)
        live = self.objects.get(ref)
        if live is None:
            return
        if live["metadata"]["uid"] != uid:
            raise ClusterError(f"{ref} is another object", code=409, reason="Conflict")
        self._put(ref, {**live, "status": _copy(dict(status))})

    async def annotate(self, ref: ObjectRef, uid: str, annotation: str, value: str) -> None:
        self._write("annotate", ref)
        live = self.objects.get(ref)
        if live is None or live["metadata"]["uid"] != uid:
            return
        body = _copy(live)
        body["metadata"].setdefault("annotations", {})[annotation] = value
        if body != live:
            self._put(ref, body)

    async def set_finalizers(
        self, ref: ObjectRef, version: str, finalizers: tuple[str, ...]
    ) -> None:
        self._write("finalizers", ref)
        live = self.objects.get(ref)
        if live is None:
            return
        if live["metadata"]["resourceVersion"] != version:
            raise ClusterError(f"{ref} has changed", code=409, reason="Conflict")
        live["metadata"]["finalizers"] = list(finalizers)
        self._put(ref, live)
        if not finalizers and "deletionTimestamp" in live["metadata"]:
            del self.objects[ref]

    # -- what a test does as somebody else

    def add(self, kind: KindRef, body: Mapping[str, Any]) -> str:
        """Somebody creates an object; its UID."""
        meta = body["metadata"]
        ref = ObjectRef(kind, meta["namespace"], meta["name"])
        uid = f"uid-{next(self._uids)}"
        made = {"apiVersion": kind.api_version, "kind": kind.kind, **_copy(dict(body))}
        made["metadata"] = {
            "uid": uid,
            "generation": 1,
            "creationTimestamp": self._now(),
            "managedFields": [],
            **made["metadata"],
        }
        self._put(ref, made)
        return uid

    def edit(self, ref: ObjectRef, **changes: Any) -> None:
        """Somebody changes top-level fields (spec, status, data); a changed spec is a new generation."""
        live = self.objects[ref]
        body = {**live, **_copy(changes)}
        if body.get("spec") != live.get("spec"):
            body["metadata"]["generation"] += 1
        self._put(ref, body)

    def remove(self, ref: ObjectRef) -> None:
        """Somebody deletes an object: it is gone, or on its way if a finalizer holds it."""
        meta = self.objects[ref]["metadata"]
        if meta.get("finalizers"):
            meta["deletionTimestamp"] = self._now()
            self._put(ref, self.objects[ref])
        else:
            del self.objects[ref]

    # -- inside

    def _now(self) -> str:
        return rfc3339(self._clock.now()) if self._clock else "2026-01-01T00:00:00Z"

    def _known(self, kind: KindRef) -> None:
        if kind in self.missing:
            raise KindMissing(f"no kind {kind.kind}")

    def _write(self, verb: str, ref: ObjectRef) -> None:
        self._known(ref.kind)
        self.writes.append((verb, ref))
        if ref.kind.kind in self.refuse:
            raise self.refuse[ref.kind.kind]

    def _put(self, ref: ObjectRef, body: dict[str, Any]) -> None:
        body["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[ref] = _copy(body)


def _copy(value: Any) -> Any:
    """As it would come over the wire; three times as fast as `copy.deepcopy`."""
    return json.loads(json.dumps(value))


def _no_status(manifest: dict[str, Any]) -> dict[str, Any]:
    if manifest["apiVersion"].startswith(WITH_STATUS):
        manifest.pop("status", None)
    return manifest


def _is_ours(entry: Mapping[str, Any]) -> bool:
    return entry.get("manager") == MANAGER and entry.get("operation") == "Apply"


def _entry(manifest: Manifest) -> dict[str, Any]:
    return {"manager": MANAGER, "operation": "Apply", "fieldsV1": fields_of(manifest)}
