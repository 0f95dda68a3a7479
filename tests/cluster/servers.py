"""The command line of every server, as values: the only place that knows their flags."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.cluster.layout import State
from tests.cluster.pki import NODE_ADDRESS
from tests.cluster.processes import Server

LOOPBACK = "127.0.0.1"
SERVICES = "10.96.0.0/16"
PODS = "10.244.0.0/24"
DNS_ADDRESS = "10.96.0.10"
METRICS_PORT = 10350


@dataclass(frozen=True, slots=True)
class Plan:
    """Where one control plane lives and listens."""

    state: State
    binaries: Path
    pki: Path
    address: str
    api_port: int
    etcd_port: int
    etcd_peer_port: int

    @property
    def url(self) -> str:
        return f"https://{self.address}:{self.api_port}"

    def binary(self, name: str) -> str:
        return str(self.binaries / name)


def etcd(plan: Plan) -> Server:
    """3.6, not Debian's 3.4: without progress notifications the API server refuses watch-lists and idle watches look dead."""
    client = f"http://{LOOPBACK}:{plan.etcd_port}"
    peer = f"http://{LOOPBACK}:{plan.etcd_peer_port}"
    command = (
        plan.binary("etcd"),
        f"--data-dir={plan.state.etcd}",
        "--unsafe-no-fsync",  # the state of a test is worth nothing after a power cut
        "--watch-progress-notify-interval=5s",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--log-level=warn",
    )
    return Server(
        "etcd",
        command,
        ((LOOPBACK, plan.etcd_port), (LOOPBACK, plan.etcd_peer_port)),
        is_urgent=True,
    )


def apiserver(plan: Plan, *more: str) -> Server:
    pki = plan.pki
    command = (
        plan.binary("kube-apiserver"),
        f"--etcd-servers=http://{LOOPBACK}:{plan.etcd_port}",
        f"--bind-address={plan.address}",
        f"--secure-port={plan.api_port}",
        f"--service-cluster-ip-range={SERVICES}",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        f"--service-account-key-file={pki}/sa.pub",
        f"--service-account-signing-key-file={pki}/sa.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",  # beside the default ones, PodSecurity among them
        "--allow-privileged=true",
        *more,
    )
    return Server("apiserver", command, ((plan.address, plan.api_port),), is_urgent=True)


def node_apiserver(plan: Plan) -> Server:
    """The API server of a cluster with a node: it also talks to the kubelet, and pods reach it."""
    return apiserver(
        plan,
        f"--advertise-address={plan.address}",
        f"--kubelet-client-certificate={plan.pki}/apiserver-kubelet.crt",
        f"--kubelet-client-key={plan.pki}/apiserver-kubelet.key",
        f"--kubelet-certificate-authority={plan.pki}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        # What has another API server behind it, metrics.k8s.io here, is passed on by this name, to the address itself.
        f"--proxy-client-cert-file={plan.pki}/front-proxy.crt",
        f"--proxy-client-key-file={plan.pki}/front-proxy.key",
        f"--requestheader-client-ca-file={plan.pki}/ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--enable-aggregator-routing=true",
    )


def controller_manager(plan: Plan, *, port: int = 10257, more: tuple[str, ...] = ()) -> Server:
    kubeconfig = plan.state.kubeconfig("controller-manager")
    command = (
        plan.binary("kube-controller-manager"),
        *delegating(kubeconfig, port),
        f"--service-account-private-key-file={plan.pki}/sa.key",
        f"--root-ca-file={plan.pki}/ca.crt",
        f"--cluster-signing-cert-file={plan.pki}/ca.crt",
        f"--cluster-signing-key-file={plan.pki}/ca.key",
        "--use-service-account-credentials=true",
        # A fresh API server is ready a moment before its roles are in force; without this the manager would give up.
        "--authentication-tolerate-lookup-failure=true",
        *more,
    )
    return Server("controller-manager", command, ((LOOPBACK, port),), is_urgent=True)


def scheduler(plan: Plan, *, port: int = 10259) -> Server:
    command = (plan.binary("kube-scheduler"), *delegating(plan.state.kubeconfig("scheduler"), port))
    return Server("scheduler", command, ((LOOPBACK, port),), is_urgent=True)


def delegating(kubeconfig: Path, port: int) -> tuple[str, ...]:
    return (
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={port}",
        "--leader-elect=false",
    )


def containerd(plan: Plan) -> Server:
    return Server(
        "containerd", ("containerd", "--config", str(plan.state.config("containerd.toml")))
    )


def kubelet(plan: Plan, node: str) -> Server:
    command = (
        plan.binary("kubelet"),
        f"--config={plan.state.config('kubelet.json')}",
        f"--kubeconfig={plan.state.kubeconfig('kubelet')}",
        f"--hostname-override={node}",
        f"--node-ip={plan.address}",
        f"--root-dir={plan.state.kubelet}",
    )
    return Server("kubelet", command, ((NODE_ADDRESS, 10250), (LOOPBACK, 10248)), is_urgent=True)


def proxy(plan: Plan, node: str) -> Server:
    command = (
        plan.binary("kube-proxy"),
        f"--kubeconfig={plan.state.kubeconfig('proxy')}",
        f"--cluster-cidr={PODS}",
        "--proxy-mode=nftables",
        f"--hostname-override={node}",
        f"--metrics-bind-address={LOOPBACK}:10249",
        f"--healthz-bind-address={LOOPBACK}:10256",
    )
    return Server("proxy", command, ((LOOPBACK, 10249), (LOOPBACK, 10256)))


def provisioner(plan: Plan) -> Server:
    kubeconfig = plan.state.kubeconfig("provisioner")
    return Server(
        "provisioner",
        (plan.binary("provisioner"), f"-kubeconfig={kubeconfig}", f"-root={plan.state.volumes}"),
    )


def metrics(plan: Plan) -> Server:
    """What pods and nodes use, for `kubectl top` and for autoscalers. Its address stands in manifests/metrics.yaml too."""
    command = (
        plan.binary("metrics"),
        f"-kubeconfig={plan.state.kubeconfig('metrics')}",
        f"-listen={NODE_ADDRESS}:{METRICS_PORT}",
        f"-pki={plan.pki}",
    )
    return Server("metrics", command, ((NODE_ADDRESS, METRICS_PORT),))


def registry(state: State, port: int) -> Server:
    """Debian's registry: a push moves only the layers that changed, and the kubelet pulls as it would anywhere."""
    config = state.config("registry.json")
    return Server("registry", ("docker-registry", "serve", str(config)), ((LOOPBACK, port),))
