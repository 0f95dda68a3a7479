"""The local cluster: one node, every server a real one, started and ended here."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.cluster import cgroups, files, images, node, packages, pki, processes, registry, servers
from tests.cluster.binaries import ensure_built, folder
from tests.cluster.layout import MANIFESTS, State, cache, local_cluster
from tests.cluster.oci import BinaryImage
from tests.cluster.phases import phase, say, until
from tests.cluster.processes import Server
from tests.cluster.servers import Plan
from tests.cluster.tools import run, succeeds
from tests.cluster.trouble import Trouble

API_PORT = 6443
# Not etcd's usual ports: one for another purpose may well run on the same machine.
ETCD_PORT, ETCD_PEER_PORT = 12379, 12380
CONTEXT = "soloist-local"
# Ended in this order: nothing may start pods anew, and the API server needs its etcd until it is gone.
STOP_FIRST = ("kubelet", "provisioner", "metrics", "proxy", "controller-manager", "scheduler")
USERS = ("admin", *STOP_FIRST)  # each has a way of its own to the API server
STOP_LAST = ("apiserver", "etcd", "containerd", "registry")
DEPLOYMENTS = (("kube-system", "coredns"), ("ray-system", "kuberay-operator"))
KEPT = frozenset({"containerd", "logs"})  # over `down`: layers that were unpacked once


class LocalCluster:
    """Implements `Cluster` on this machine."""

    name = "local"

    def __init__(self, state: State | None = None) -> None:
        self._state = state or local_cluster()
        # A node's name is a DNS name in lower case.
        self._node = platform.node().lower()
        self._awaited: list[str] = []

    @property
    def kubeconfig(self) -> Path:
        return self._state.kubeconfig()

    def up(self) -> bool:
        """Bring up what isn't; every step looks first, so that one that was killed anywhere is simply run again.

        One that was up and needed only a touch, as its files had changed, counts as up: it may be somebody's.
        """
        packages.ensure_root()
        packages.extend_path()
        packages.ensure_packages()
        binaries = ensure_built()
        with files.lock(self._lock):
            if self.is_up():
                say("The local cluster is up.")
                return False
            self._forget_before_reboot()
            was_down = processes.running(self._state, "kubelet") is None
            plan = self._prepare(binaries)
            self._start(plan)
            self._furnish(plan)
            files.write(self._complete, self._mark(binaries))
        return was_down

    def down(self) -> None:
        packages.ensure_root()
        packages.extend_path()
        # Not while an image is on its way into the registry.
        with (
            files.lock(self._images_lock),
            files.lock(self._lock),
            phase("taking the local cluster down"),
        ):
            self._clean()

    def forget(self) -> None:
        """Down, and without anything that was cached: the next `up` begins as on a new machine."""
        self.down()
        with phase(f"removing {cache()}"):
            shutil.rmtree(cache())

    def is_up(self) -> bool:
        """Every server lives and answers, and the last `up` came to its end with the present sources."""
        binaries = folder()
        if not self._complete.exists() or self._complete.read_text() != self._mark(binaries):
            return False
        alive = [processes.running(self._state, name) for name in (*STOP_FIRST, *STOP_LAST)]
        return all(alive) and succeeds(*self._kubectl(binaries), "get", "--raw", "/readyz")

    def publish(self, targets: Sequence[str]) -> Mapping[str, str]:
        packages.ensure_root()
        packages.extend_path()
        packages.ensure_packages()
        registry.ensure(self._state)
        with files.lock(self._images_lock):
            published = images.publish_locally(targets)
        if node.containerd_answers(self._state):
            with phase("pulling images to the node"):
                node.pull(self._state, tuple(published.values()))
        return published

    def load(self, image: BinaryImage, binaries: Path) -> None:
        node.import_image(self._state, image, binaries)

    def environment(self) -> Mapping[str, str]:
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": f"{folder()}{os.pathsep}{os.environ.get('PATH', '')}",
        }

    def status(self) -> Mapping[str, str]:
        """Each server and how it is."""
        told = {}
        for name in (*STOP_FIRST, *STOP_LAST):
            record = processes.running(self._state, name)
            told[name] = f"runs as {record.pid}" if record else "is not running"
        return told

    @property
    def _lock(self) -> Path:
        return self._state.root.with_name("cluster.lock")

    @property
    def _images_lock(self) -> Path:
        return self._state.root.with_name("images.lock")

    @property
    def _complete(self) -> Path:
        return self._state.root / "complete"

    @staticmethod
    def _mark(binaries: Path) -> str:
        described = files.sources(
            MANIFESTS, MANIFESTS.parent / "node.py", MANIFESTS.parent / "servers.py"
        )
        return (
            f"{binaries.name} {files.digest(described, under=MANIFESTS.parent)} {processes.boot()}"
        )

    def _kubectl(self, binaries: Path) -> tuple[str, ...]:
        return (
            str(binaries / "kubectl"),
            f"--kubeconfig={self.kubeconfig}",
            "--request-timeout=5s",
        )

    def _forget_before_reboot(self) -> None:
        """After a reboot mounts, bridge and processes are gone, and etcd may have lost what it did not sync: start anew."""
        stamp = self._state.root / "boot"
        if stamp.exists() and stamp.read_text() != processes.boot():
            with phase("clearing what was left from before the reboot"):
                self._clean()
        files.write(stamp, processes.boot())

    def _prepare(self, binaries: Path) -> Plan:
        self._complete.unlink(missing_ok=True)
        keys = pki.ensure_pki(self._node)
        address = pki.NODE_ADDRESS
        plan = Plan(self._state, binaries, keys, address, API_PORT, ETCD_PORT, ETCD_PEER_PORT)
        for user in USERS:
            pki.write_kubeconfig(
                self._state.kubeconfig(user), pki=keys, user=user, server=plan.url, context=CONTEXT
            )
        cgroups.ensure(self._state)
        node.ensure_bridge()
        node.write_configuration(plan)
        self._state.volumes.mkdir(parents=True, exist_ok=True)
        return plan

    def _start(self, plan: Plan) -> None:
        with phase("starting etcd, the API server, containerd and the registry"):
            registry.ensure(self._state)
            for server in (
                servers.etcd(plan),
                servers.node_apiserver(plan),
                servers.containerd(plan),
            ):
                self._ensure(server)
            self._until("containerd's answer", lambda: node.containerd_answers(self._state))
        with phase("importing the images of CoreDNS and KubeRay"):
            node.import_images(self._state, plan.binaries)
        with phase("waiting for the API server"):
            ready = (*self._kubectl(plan.binaries), "get", "--raw", "/readyz")
            self._until("The API server's readiness", lambda: succeeds(*ready))
        with phase("starting the controller manager, the scheduler, the kubelet and the proxy"):
            for server in self._controllers(plan):
                self._ensure(server)

    def _ensure(self, server: Server) -> None:
        processes.ensure(self._state, server)
        self._awaited.append(server.name)

    def _controllers(self, plan: Plan) -> tuple[Server, ...]:
        return (
            servers.controller_manager(plan),
            servers.scheduler(plan),
            servers.provisioner(plan),
            servers.metrics(plan),
            servers.kubelet(plan, self._node),
            servers.proxy(plan, self._node),
        )

    def _furnish(self, plan: Plan) -> None:
        kubectl = (str(plan.binaries / "kubectl"), f"--kubeconfig={self.kubeconfig}")
        with phase("installing DNS, the storage class and KubeRay"):
            # Not validated: the kinds' own schemas would first have to be fetched, a second for each group.
            apply = ("apply", "--server-side", "--force-conflicts", "--validate=false")
            sources = ("-f", MANIFESTS, "-f", plan.binaries / "kuberay")
            run(*kubectl, *apply, *sources, why="Installing what a cluster has")
        with phase("waiting for the node, DNS and KubeRay"):
            # A pod needs its namespace's service account, which the controller manager makes by and by.
            ready = ("wait", "--for=condition=Ready", f"node/{self._node}")
            self._until("The node's readiness", lambda: succeeds(*kubectl, *ready, "--timeout=1s"))
            for namespace, deployment in DEPLOYMENTS:
                rollout = ("rollout", "status", f"deployment/{deployment}", "-n", namespace)
                run(*kubectl, *rollout, "--timeout=90s", why=f"Waiting for {deployment}")

    def _until(self, what: str, done: Callable[[], bool]) -> None:
        """Wait for a server; one that ended meanwhile is the reason to tell, not the time that passed."""

        def settled() -> bool:
            dead = processes.why(self._state, self._awaited)
            if dead:
                raise Trouble(dead)
            return done()

        until(what, settled, within=90)

    def _clean(self) -> None:
        self._complete.unlink(missing_ok=True)
        for name in STOP_FIRST:
            processes.stop(self._state, name)
        node.remove_containers(self._state)
        for name in STOP_LAST:
            # A polite API server drains its watches for up to a minute; nobody watches any more.
            processes.stop(self._state, name, patience=1 if name == "apiserver" else 10)
        node.unmount_below(self._state.root)
        node.remove_network()
        cgroups.remove(self._state)
        for path in self._state.root.iterdir() if self._state.root.exists() else ():
            if path.name in KEPT:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
