"""What stands before endpoints in a real cluster: the Gateway API and its controller, brought for one story and taken away."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import httpx

from tests.cluster.cluster import Cluster
from tests.cluster.outside import IMAGE
from tests.cluster.tools import run
from tests.e2e.forward import Forward
from tests.e2e.kubectl import Kubectl, Manifest
from tests.e2e.world import World

MANIFESTS = Path(__file__).with_name("outside.yaml")
NAMESPACE = "projectcontour"
GATEWAY = "public"
CLASS = "contour"
API = "gateway.networking.k8s.io/v1"
# Contour keeps to the strictest of the Pod Security Standards, as our own pods do.
STRICT = "pod-security.kubernetes.io/enforce=restricted"


@dataclass(frozen=True, slots=True)
class Outside:
    """Contour, and what an administrator does with it."""

    cluster: Cluster
    world: World
    files: Path

    @property
    def kubectl(self) -> Kubectl:
        return self.world.kubectl

    def bring_gateway_api(self) -> None:
        """The kinds alone, as an administrator installs them first."""
        self._apply(self.files / "gateway-api")

    def bring_controller(self) -> None:
        """Contour and its Envoy, ready."""
        self.cluster.load(IMAGE, self.files)
        self._apply(self.files / "furniture")
        self.kubectl("label", "namespace", NAMESPACE, STRICT, "--overwrite")
        certificates = ("certgen", "--kube", f"--namespace={NAMESPACE}", "--secrets-format=compact")
        where = ("--overwrite", f"--kubeconfig={self.cluster.kubeconfig}")
        run(self.files / IMAGE.binary, *certificates, *where, why="Making Contour's certificates")
        self.kubectl("apply", "-f", "-", stdin=self._servers())
        for name in ("contour", "envoy"):
            self.kubectl("rollout", "status", "-n", NAMESPACE, f"deployment/{name}", within=180)

    def bring_gateway(self, *listeners: dict[str, Any]) -> None:
        """A Gateway whose listeners take routes from every namespace."""
        anyone = {"allowedRoutes": {"namespaces": {"from": "All"}}}
        spec = {
            "gatewayClassName": CLASS,
            "listeners": [{**one, **anyone} for one in listeners],
        }
        meta = {"name": GATEWAY}
        gateway: Manifest = {"apiVersion": API, "kind": "Gateway", "metadata": meta, "spec": spec}
        self.kubectl.apply(gateway, namespace=NAMESPACE)

    def remove(self) -> None:
        """All of it, and the kinds last: with them go their objects."""
        gone = ("delete", "--ignore-not-found")
        self.kubectl(*gone, "ingressclass", CLASS)
        for folder in ("furniture", "gateway-api"):
            self.kubectl(*gone, "-f", str(self.files / folder), within=180)

    @contextmanager
    def door(self, port: int) -> Iterator[Door]:
        forward = Forward(self.kubectl, NAMESPACE, "envoy", port)
        try:
            yield Door(forward)
        finally:
            forward.close()

    def _apply(self, folder: Path) -> None:
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(folder))
        self.kubectl("wait", "--for=condition=Established", "customresourcedefinitions", "--all")

    def _servers(self) -> str:
        return Template(MANIFESTS.read_text()).substitute(ENVOY=self.world.gateway_image)


@dataclass(frozen=True, slots=True)
class Door:
    """The way in that clients from outside have: they know a name, and whom to trust."""

    forward: Forward

    def post(self, host: str, path: str, body: object, trusted: str = "") -> httpx.Response:
        """Over TLS where a certificate to trust is named; it must be the host's."""
        address = self.forward.address()
        asked: dict[str, Any] = {"json": body, "headers": {"host": host}, "timeout": 30}
        try:
            if not trusted:
                return httpx.post(f"{address}{path}", **asked)
            with httpx.Client(verify=ssl.create_default_context(cadata=trusted)) as client:
                secure = address.replace("http://", "https://")
                named = {"sni_hostname": host}
                return client.post(f"{secure}{path}", extensions=named, **asked)
        except httpx.TransportError as error:
            raise AssertionError(f"{host} does not answer: {error!r}") from error
