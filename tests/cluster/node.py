"""The node under the kubelet: bridge, containerd, and what both leave behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from tests.cluster import cgroups, files
from tests.cluster.layout import State
from tests.cluster.oci import BinaryImage, write_archive
from tests.cluster.pki import NODE_ADDRESS
from tests.cluster.servers import DNS_ADDRESS, PODS, Plan
from tests.cluster.tools import run, succeeds
from tests.cluster.trouble import Trouble

BRIDGE = "soloist0"
PAUSE = "localhost/pause:1"
IMAGES = (
    BinaryImage(PAUSE, "pause", "/pause"),
    BinaryImage("localhost/coredns:1", "coredns", "/coredns"),
    BinaryImage("localhost/kuberay-operator:1", "ray-operator", "/manager"),
)
CNI_PLUGINS = "/usr/lib/cni"
NAMESPACE = "k8s.io"


def ensure_bridge() -> None:
    """The bridge carries the node's address: pods reach the API server by an address that exists nowhere else."""
    if not succeeds("ip", "link", "show", BRIDGE):
        why = "Making the cluster's network bridge"
        routes = run("ip", "-o", "route", "show", PODS, why=why)
        if routes.strip():
            raise Trouble(
                f"The addresses {PODS} are in use on this machine ({routes.strip()}); the local cluster needs them."
            )
        run("ip", "link", "add", BRIDGE, "type", "bridge", why=why)
    run(
        "ip",
        "addr",
        "replace",
        f"{NODE_ADDRESS}/24",
        "dev",
        BRIDGE,
        why="Giving the bridge its address",
    )
    run("ip", "link", "set", BRIDGE, "up", why="Switching the bridge on")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    # Pods on one bridge answer each other directly; a Service's answers must pass the translation all the same.
    hook = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if not hook.exists():
        succeeds("modprobe", "br_netfilter")
    if hook.exists():
        hook.write_text("1")


def remove_network() -> None:
    succeeds("ip", "link", "delete", BRIDGE)
    for family in ("ip", "ip6"):
        succeeds("nft", "delete", "table", family, "kube-proxy")


def write_configuration(plan: Plan) -> None:
    state = plan.state
    network = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": PODS}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": str(state.root / "addresses"),
        },
    }
    conflist = {"cniVersion": "0.4.0", "name": "soloist", "plugins": [network]}
    files.write(state.cni / "10-soloist.conflist", json.dumps(conflist))
    files.write(state.config("containerd.toml"), containerd_toml(state))
    files.write(state.config("kubelet.json"), json.dumps(kubelet_configuration(plan), indent=1))


def containerd_toml(state: State) -> str:
    # restrict_oom_score_adj: in some containers and virtual machines root lacks CAP_SYS_RESOURCE, and without this every
    # sandbox dies there ("can't get final child's PID from pipe").
    return f"""\
version = 2
root = "{state.containerd}"
state = "{state.containerd_state}"
[grpc]
  address = "{state.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  max_concurrent_downloads = 8
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{state.cni}"
"""


def kubelet_configuration(plan: Plan) -> dict[str, object]:
    pki = plan.pki
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": plan.address,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroups.name(plan.state)}",
        "failCgroupV1": False,  # some machines still mount version 1; its limits work
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{plan.state.socket}",
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": "",  # names outside the cluster are nobody's business in a test
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{pki}/kubelet.crt",
        "tlsPrivateKeyFile": f"{pki}/kubelet.key",
        "evictionHard": {
            "memory.available": "100Mi"
        },  # a full disk of a laptop must not evict a test's pods
        "imageGCHighThresholdPercent": 100,
        "serializeImagePulls": False,
        "registryPullQPS": 0,
        "maxPods": 200,
        "nodeStatusUpdateFrequency": "5s",
    }


def ctr(state: State, *words: str | Path, why: str) -> str:
    return run("ctr", "-a", state.socket, "-n", NAMESPACE, *words, why=why)


def containerd_answers(state: State) -> bool:
    return succeeds("ctr", "-a", state.socket, "--connect-timeout", "1s", "version")


def import_images(state: State, binaries: Path) -> None:
    """Servers that run as pods come from the binaries that were built; nothing is pulled from anywhere."""
    stamp = state.containerd / "imported"
    if stamp.exists() and stamp.read_text() == binaries.name:
        return
    for image in IMAGES:
        import_image(state, image, binaries)
    files.write(stamp, binaries.name)


def import_image(state: State, image: BinaryImage, binaries: Path) -> None:
    archive = state.root / f"{image.binary}.tar"
    write_archive(image, binaries / image.binary, archive)
    ctr(state, "images", "import", archive, why=f"Importing the image {image.name}")
    archive.unlink()


def remove_containers(state: State) -> None:
    """Kill every container of this cluster, containerd alive or dead, and forget them; images stay.

    A shim is known to be ours by the socket that it was started with; what it holds are its descendants.
    """
    for pid in shims(state):
        for each in (*descendants(pid), pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
    if containerd_answers(state):
        names = ctr(state, "containers", "ls", "-q", why="Listing containers").split()
        namespaces = {path for name in names for path in network_namespaces(state, name)}
        for name in names:
            succeeds("ctr", "-a", state.socket, "-n", NAMESPACE, "tasks", "delete", "--force", name)
        if names:
            ctr(state, "containers", "rm", *names, why="Removing containers")
        for path in namespaces:
            succeeds("umount", path)
            Path(path).unlink(missing_ok=True)


def shims(state: State) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if b"containerd-shim" in words[0] and str(state.socket).encode() in words:
                    yield int(entry.name)


def descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                yield int(child)
                yield from descendants(int(child))


def network_namespaces(state: State, container: str) -> Iterator[str]:
    """The namespaces that containerd made for pods; they would outlive everything, as mounts."""
    with contextlib.suppress(Trouble, ValueError):
        told = json.loads(ctr(state, "containers", "info", container, why="Reading a container"))
        for each in told.get("Spec", {}).get("linux", {}).get("namespaces", ()):
            if each["type"] == "network" and "/netns/cni-" in each.get("path", ""):
                yield each["path"]


def unmount_below(folder: Path) -> None:
    """Volumes of tmpfs and root file systems of containers: nothing below may be removed while it is mounted."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    points = [line.split()[1].encode().decode("unicode_escape") for line in lines]
    for point in sorted((p for p in points if p.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)


def pull(state: State, references: tuple[str, ...]) -> None:
    """Have images on the node before a pod asks for them, and forget their predecessors that no container uses.

    The registry still has those: whoever goes back to one pulls it again.
    """
    for reference in references:
        ctr(state, "images", "pull", "--plain-http", reference, why=f"Pulling {reference}")
    present = ctr(state, "images", "ls", "-q", why="Listing images").split()
    lines = ctr(state, "containers", "ls", why="Listing containers").splitlines()[1:]
    used = {words[1] for line in lines if len(words := line.split()) > 1}
    old = outdated(present, references, used)
    if old:
        ctr(state, "images", "rm", *old, why="Forgetting outdated images")


def outdated(present: Iterable[str], pulled: Iterable[str], used: Collection[str]) -> list[str]:
    """Other versions of the images that were pulled, as far as nothing runs from them."""
    newest = {reference.rpartition(":")[0]: reference for reference in pulled}
    return [
        reference
        for reference in present
        if newest.get(reference.rpartition(":")[0], reference) != reference
        and reference not in used
    ]
