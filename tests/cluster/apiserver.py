"""An API server of its own for a test run: etcd and the API server on free ports, beside any other cluster.

    with ControlPlane() as plane:
        plane.kubectl("apply", "-f", "crds")
        before = plane.writes()
        ...
        assert plane.writes()[len(before):] == []

It ends with the process that started it, even when that is killed.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.cluster import files, processes, servers
from tests.cluster.binaries import ensure_built
from tests.cluster.layout import State
from tests.cluster.phases import until
from tests.cluster.pki import ensure_pki, write_kubeconfig
from tests.cluster.ports import free_ports
from tests.cluster.processes import Server
from tests.cluster.trouble import Trouble

# One line per write that a user of the API made: the servers' own are left out, as they would hide the ones that a test counts.
AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "None", "userGroups": ["system:nodes"]},
        {"level": "None", "users": ["system:kube-controller-manager"]},
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "Request", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
        {"level": "Metadata"},
    ],
}
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
NODE = "none"


@dataclass(frozen=True, slots=True)
class Request:
    """One request that the API server answered."""

    verb: str
    user: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    body: Any


class ControlPlane:
    """etcd and the API server; with the controller manager (namespaces, garbage collection) where a test asks for it.

    API calls are counted by the audit log, which the API server writes before it answers (`blocking`): when a call has
    returned, it is in `requests()`.
    """

    def __init__(self, *, controller_manager: bool = False, root: Path | None = None) -> None:
        self._own_root = root is None
        self.root = root or Path(tempfile.mkdtemp(prefix="soloist-apiserver-"))
        self._with_controllers = controller_manager
        self._state = State(self.root)
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def kubeconfig_path(self) -> Path:
        return self._state.kubeconfig()

    @property
    def audit_log(self) -> Path:
        return self._state.logs / "audit.jsonl"

    def start(self) -> Self:
        """Up and answering; about three seconds."""
        self._binaries, self._pki = ensure_built(), ensure_pki(NODE)
        api, client, peer, controllers = free_ports(4)
        self._plan = servers.Plan(
            self._state, self._binaries, self._pki, servers.LOOPBACK, api, client, peer
        )
        for user in ("admin", "controller-manager"):
            path = self._state.kubeconfig(user)
            write_kubeconfig(
                path, pki=self._pki, user=user, server=self._plan.url, context="soloist-apiserver"
            )
        policy = files.write(self._state.config("audit.json"), json.dumps(AUDIT))
        self._state.logs.mkdir(parents=True, exist_ok=True)
        self._apiserver = servers.apiserver(
            self._plan,
            "--endpoint-reconciler-type=none",  # it would refuse to publish a loopback address, once a second
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self.audit_log}",
            "--audit-log-mode=blocking",
            "--shutdown-delay-duration=0s",
        )
        self._run(servers.etcd(self._plan))
        self._run(self._apiserver)
        self.wait_until_ready()
        if self._with_controllers:
            self._run(servers.controller_manager(self._plan, port=controllers))
        return self

    def stop(self) -> None:
        # Killed, not asked: what it holds is thrown away, and a polite API server drains for seconds.
        for child in self._children.values():
            child.kill()
        for child in self._children.values():
            child.wait()
        self._children.clear()
        if self._own_root:
            shutil.rmtree(self.root, ignore_errors=True)

    def pause_apiserver(self) -> None:
        """Take the API server away, keeping what it stored: how a client meets an outage."""
        child = self._children.pop("apiserver")
        child.kill()
        child.wait()

    def resume_apiserver(self) -> None:
        self._run(self._apiserver)
        self.wait_until_ready()

    def kubectl(self, *words: str, text: str | None = None, check: bool = True) -> str:
        """What kubectl prints; with `check=False` its error is returned too, to look at a refusal."""
        command = (str(self._binaries / "kubectl"), f"--kubeconfig={self.kubeconfig_path}", *words)
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise AssertionError(
                f"kubectl {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}"
            )
        return done.stdout if check else done.stdout + done.stderr

    def requests(self) -> list[Request]:
        """Every request so far, in order, without those of Kubernetes' own servers."""
        if not self.audit_log.exists():
            return []
        # The last line may be half written while another client's request is being answered.
        lines = self.audit_log.read_text().splitlines(keepends=True)
        return [parse_request(json.loads(line)) for line in lines if line.endswith("\n")]

    def writes(self) -> list[Request]:
        """Every request so far that may have changed something."""
        return [request for request in self.requests() if request.verb in WRITES]

    def wait_until_ready(self) -> None:
        until("An API server's readiness", self._ready, within=60, every=0.05)

    def _run(self, server: Server) -> None:
        self._children[server.name] = processes.start(self._state, server, dies_with_parent=True)

    def _ready(self) -> bool:
        if any(self._children[name].poll() is not None for name in ("etcd", "apiserver")):
            raise Trouble(processes.why(self._state, ("etcd", "apiserver")))
        trust = ssl.create_default_context(cafile=str(self._pki / "ca.crt"))
        trust.load_cert_chain(self._pki / "admin.crt", self._pki / "admin.key")
        direct = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        )
        try:
            with direct.open(f"{self._plan.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def parse_request(line: dict[str, Any]) -> Request:
    """An event of the audit log, as far as tests ask."""
    thing = line.get("objectRef", {})
    return Request(
        verb=line["verb"],
        user=line["user"].get("username", ""),
        resource=thing.get("resource", ""),
        subresource=thing.get("subresource", ""),
        namespace=thing.get("namespace", ""),
        name=thing.get("name", ""),
        code=line.get("responseStatus", {}).get("code", 0),
        body=line.get("requestObject"),
    )


def main() -> int:
    """Run one by hand: prints how to reach it and ends with the shell that it opens."""
    with ControlPlane(controller_manager=True) as plane:
        shell = os.environ.get("SHELL", "/bin/sh")
        print(f"KUBECONFIG={plane.kubeconfig_path}; leave the shell to end it.", flush=True)
        return subprocess.run(
            [shell], env={**os.environ, "KUBECONFIG": str(plane.kubeconfig_path)}, check=False
        ).returncode


if __name__ == "__main__":
    raise SystemExit(main())
