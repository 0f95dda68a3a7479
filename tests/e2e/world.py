"""The installed platform: what stories do to it, and what it says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml

from tests.e2e.eventually import PATIENCE, eventually
from tests.e2e.kubectl import Kubectl, Manifest
from tests.e2e.mlflow_view import MLflowView

NAMESPACE = "soloist-system"
OPERATOR = "soloist-operator"
MLFLOW = "soloist-mlflow"
POSTGRES = "soloist-postgres"


@dataclass(frozen=True, slots=True)
class World:
    """One installation of the chart as release `soloist`."""

    kubectl: Kubectl
    mlflow: MLflowView
    namespace: str = NAMESPACE
    kuberay_namespace: str = "ray-system"

    @property
    def runtime_image(self) -> str:
        """The default runtime, as the operator's configuration names it."""
        config = self._config()
        return str(config["runtimes"][config["defaultRuntime"]]["image"])

    @property
    def gateway_image(self) -> str:
        """Envoy, as the operator's configuration names it."""
        return str(self._config()["gatewayImage"])

    def _config(self) -> dict[str, Any]:
        found = self.kubectl.get("configmaps", OPERATOR, self.namespace)
        assert found is not None, "the operator's configuration is missing: is the chart installed?"
        config: dict[str, Any] = yaml.safe_load(found["data"]["config.yaml"])
        return config

    # Who acts

    def leader(self) -> str:
        """Name of the operator's pod that holds the Lease."""
        lease = self.kubectl.get("leases", OPERATOR, self.namespace)
        assert lease is not None, "nobody holds the operator's Lease"
        return str(lease["spec"]["holderIdentity"] or "")

    def operator_pods(self) -> list[Manifest]:
        labels = "app.kubernetes.io/component=operator"
        return self.kubectl.all("pods", self.namespace, labels)

    def pods_like(self, name: str, namespace: str | None = None) -> list[Manifest]:
        """Pods whose name begins so."""
        pods = self.kubectl.all("pods", namespace or self.namespace)
        return [pod for pod in pods if pod["metadata"]["name"].startswith(name)]

    # What befalls it

    def kill(self, pod: str, namespace: str | None = None) -> None:
        """End a pod without a chance to say good-bye."""
        where = namespace or self.namespace
        self.kubectl(
            "delete", "pod", pod, "-n", where, "--grace-period=0", "--force", "--wait=false"
        )

    def scale(self, workload: str, replicas: int) -> None:
        """`deployment/name` or `statefulset/name` to so many pods; returns when they are so many."""
        self.kubectl("scale", "-n", self.namespace, workload, f"--replicas={replicas}")
        kind, _, name = workload.partition("/")

        def settled() -> bool:
            found = self.kubectl.get(f"{kind}s", name, self.namespace)
            assert found is not None
            ready = int(found["status"].get("readyReplicas", 0))
            return ready == replicas and (replicas > 0 or not self.pods_like(name))

        eventually(settled, within=90 * PATIENCE, what=f"{workload} to have {replicas} ready pods")

    def without_mlflow(self) -> None:
        """MLflow and its database are gone."""
        self.scale(f"deployment/{MLFLOW}", 0)
        self.scale(f"statefulset/{POSTGRES}", 0)

    def with_mlflow(self) -> None:
        self.scale(f"statefulset/{POSTGRES}", 1)
        self.scale(f"deployment/{MLFLOW}", 1)

    def is_whole(self) -> bool:
        """Whether every pod of the platform is ready."""
        wanted = (("deployments", OPERATOR), ("deployments", MLFLOW), ("statefulsets", POSTGRES))
        found = [self.kubectl.get(plural, name, self.namespace) for plural, name in wanted]
        return all(
            one is not None and one["status"].get("readyReplicas", 0) == one["spec"]["replicas"]
            for one in found
        )

    def story(self) -> str:
        """The platform's own words, for a story that failed."""
        said = [self._try("get", "pods", "-n", self.namespace, "-o", "wide")]
        for pod in self.operator_pods():
            name = pod["metadata"]["name"]
            said.append(self._try("logs", "-n", self.namespace, name, "--tail=60"))
        return "\n".join(said)

    def _try(self, *words: str) -> str:
        try:
            text = self.kubectl(*words)
        except AssertionError as error:
            text = str(error)
        return f"$ kubectl {' '.join(words)}\n{text[-8000:]}"


def moment_of(text: str) -> datetime:
    """A time as the API server writes it."""
    return datetime.fromisoformat(text)


def seconds_between(earlier: str, later: str) -> float:
    return (moment_of(later) - moment_of(earlier)).total_seconds()


def now() -> datetime:
    return datetime.now(UTC)


def as_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
