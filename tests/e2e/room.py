"""A namespace of its own for one story, and what a user does in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.eventually import PATIENCE, eventually
from tests.e2e.kubectl import Kubectl, Manifest, Refused

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
OURS = "app.kubernetes.io/managed-by=soloist"
# Everything that we or KubeRay make in a project's namespace.
KINDS = (
    "projects", "pipelines", "runs", "modelendpoints", "rayclusters", "rayjobs", "pods", "services",
    "deployments", "replicasets", "jobs", "persistentvolumeclaims", "networkpolicies", "poddisruptionbudgets",
    "configmaps", "ingresses",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Room:
    """A namespace under the Pod Security Standard `restricted`."""

    kubectl: Kubectl
    namespace: str
    folder: Path

    # What a user does

    def apply(self, *manifests: Manifest) -> None:
        self.kubectl.apply(*manifests, namespace=self.namespace)

    def copy(self, source: Path) -> Path:
        """Her own copy of a project's folder, to edit."""
        return Path(shutil.copytree(source, self.folder / source.name, dirs_exist_ok=True))

    def apply_folder(self, folder: Path) -> None:
        """`kubectl apply -k`, into this room."""
        self.kubectl("apply", "-n", self.namespace, "-k", str(folder))

    def patch(self, plural: str, name: str, patch: str) -> None:
        self.kubectl("patch", "-n", self.namespace, plural, name, "--type=merge", "-p", patch)

    def delete(self, plural: str, name: str, *, wait: bool = False) -> None:
        self.kubectl("delete", "-n", self.namespace, plural, name, f"--wait={str(wait).lower()}")

    def evict(self, pod: str) -> bool:
        """As `kubectl drain` asks for it; False while a budget says no."""
        meta = {"name": pod, "namespace": self.namespace}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/eviction"
        try:
            self.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(body))
        except Refused as error:
            if "disruption budget" not in str(error) and "not found" not in str(error):
                raise
            return "not found" in str(error)
        return True

    def predict(self, endpoint: str, payload: dict[str, Any]) -> httpx.Response:
        """One prediction through the endpoint's Service."""
        where = self.kubectl.service(self.namespace, endpoint)
        return httpx.post(f"{where}/invocations", json=payload, timeout=20)

    # What she sees

    def get(self, plural: str, name: str) -> Manifest | None:
        return self.kubectl.get(plural, name, self.namespace)

    def all(self, plural: str, labels: str = "") -> list[Manifest]:
        return self.kubectl.all(plural, self.namespace, labels)

    def status(self, plural: str, name: str) -> Manifest:
        """The object's status; empty where there is none yet."""
        found = self.get(plural, name)
        return (found or {}).get("status") or {}

    def runs(self) -> list[Manifest]:
        return self.all("runs")

    def servers_of(self, endpoint: str, version: str = "") -> list[Manifest]:
        """The pods in which an endpoint's model runs, of all versions or of one; those that were told to go apart."""
        chosen = f"soloist.dev/name={endpoint},app.kubernetes.io/component=server"
        labels = f"{chosen},soloist.dev/version={version}" if version else chosen
        return [
            pod for pod in self.all("pods", labels) if "deletionTimestamp" not in pod["metadata"]
        ]

    def until_version_answers(
        self, endpoint: str, payload: dict[str, Any], version: str, *, within: float
    ) -> None:
        """What status says is served, each gateway routes to a moment later."""

        def answers() -> bool:
            said = self.until_answered(endpoint, payload, within=within)
            return bool(said.headers["x-soloist-version"] == version)

        eventually(answers, within=within, what=f"v{version} to answer")

    def left_over(self) -> list[str]:
        """Everything in the room that is ours or KubeRay's."""
        return [
            f"{plural}/{one['metadata']['name']}"
            for plural in KINDS
            for one in self.all(plural)
            if _is_ours(one)
        ]

    # What she waits for

    def until(
        self,
        plural: str,
        name: str,
        is_so: Callable[[Manifest], object],
        *,
        within: float,
        what: str,
    ) -> Manifest:
        """The object's status, once it is so."""

        def look() -> Manifest | None:
            status = self.status(plural, name)
            return status if status and is_so(status) else None

        def last() -> str:
            status = self.status(plural, name)
            ready = condition(status, "Ready")
            return f"{status.get('phase') or status.get('stage')}; {ready.get('reason')}: {status.get('summary')}"

        found = eventually(look, within=within, what=f"{plural}/{name} {what}", last=last)
        assert found is not None
        return found

    def until_reason(self, plural: str, name: str, reason: str, *, within: float) -> Manifest:
        """The Ready condition, once it has the reason."""
        status = self.until(
            plural, name, lambda seen: condition(seen, "Ready").get("reason") == reason,
            within=within, what=f"to say {reason}",
        )  # fmt: skip
        return condition(status, "Ready")

    def until_ready(self, plural: str, name: str, *, within: float) -> None:
        """Whatever the reason it gives with it."""
        self.until(
            plural, name, lambda seen: condition(seen, "Ready").get("status") == "True", within=within, what="to be ready"
        )  # fmt: skip

    def until_pod_ended(self, name: str, *, within: float) -> tuple[str, str]:
        """The pod's phase and all that it printed, once it has ended by itself."""
        ended = ("Succeeded", "Failed")
        status = self.until(
            "pods", name, lambda seen: seen.get("phase") in ended, within=within, what="to end"
        )
        return status["phase"], self.kubectl("logs", "-n", self.namespace, name)

    def until_run(self, name: str, phase: str, *, within: float) -> Manifest:
        """The Run's status, once it is in the phase; a Run that ended otherwise is not waited for."""
        ended = ("Succeeded", "Failed")
        status = self.until(
            "runs", name, lambda seen: seen.get("phase") in (phase, *ended),
            within=within * PATIENCE, what=f"to be {phase}",
        )  # fmt: skip
        assert status["phase"] == phase, f"run {name} is {status['phase']}: {status['summary']}"
        return status

    def until_served(self, name: str, version: str, *, within: float) -> Manifest:
        """The endpoint's status, once it serves the version, and every request is answered."""

        def serves(seen: Manifest) -> bool:
            is_ready = condition(seen, "Ready").get("status") == "True"
            is_served = (seen.get("served") or {}).get("version") == version
            return is_ready and is_served and bool(seen.get("readyReplicas"))

        return self.until(
            "modelendpoints", name, serves,
            within=within * PATIENCE, what=f"to serve v{version}",
        )  # fmt: skip

    def until_answered(
        self, name: str, payload: dict[str, Any], *, within: float
    ) -> httpx.Response:
        """The first good prediction."""

        def look() -> httpx.Response | None:
            answer = self.predict(name, payload)
            assert answer.is_success, f"{answer.status_code} {answer.text[:200]}"
            return answer

        found = eventually(look, within=within * PATIENCE, what=f"a prediction of {name}")
        assert found is not None
        return found

    def story(self) -> str:
        """What there is to see here, for a story that failed."""
        commands = (
            ("get", "soloist", "-o", "wide"),
            ("get", "rayclusters,rayjobs,pods,persistentvolumeclaims,deployments", "-o", "wide"),
            ("describe", "soloist"),
            ("get", "events", "--sort-by=.lastTimestamp"),
        )
        return "\n".join(_try(self.kubectl, *words, "-n", self.namespace) for words in commands)


def condition(status: Manifest, kind: str) -> Manifest:
    """A condition of the status; empty where it is not there."""
    conditions: list[Manifest] = status.get("conditions") or []
    return next((one for one in conditions if one["type"] == kind), {})


def _is_ours(manifest: Manifest) -> bool:
    labels = manifest["metadata"].get("labels") or {}
    return labels.get("app.kubernetes.io/managed-by") == "soloist" or "ray.io/cluster" in labels


def _try(kubectl: Kubectl, *words: str) -> str:
    try:
        text = kubectl(*words)
    except AssertionError as error:
        text = str(error)
    return f"$ kubectl {' '.join(words)}\n{text[-8000:]}"
