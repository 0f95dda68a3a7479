"""Certificates and kubeconfigs: made once, all or none, and shared by every control plane of this machine."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import files
from tests.cluster.layout import cache
from tests.cluster.tools import run

NODE_ADDRESS = "10.244.0.1"
SERVICE_ADDRESS = "10.96.0.1"
DAYS = "3650"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a certificate is for; Kubernetes reads the user from the common name and the groups from the organisation."""

    file: str
    user: str
    group: str = ""
    addresses: str = ""


def identities(node: str) -> tuple[Identity, ...]:
    names = "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:localhost"
    addresses = f"{names},IP:127.0.0.1,IP:{SERVICE_ADDRESS},IP:{NODE_ADDRESS}"
    return (
        Identity("apiserver", "kube-apiserver", addresses=addresses),
        Identity("apiserver-kubelet", "kube-apiserver-kubelet-client", "system:masters"),
        Identity("admin", "admin", "system:masters"),
        Identity("controller-manager", "system:kube-controller-manager"),
        Identity("scheduler", "system:kube-scheduler"),
        Identity(
            "kubelet",
            f"system:node:{node}",
            "system:nodes",
            f"DNS:{node},IP:{NODE_ADDRESS},IP:127.0.0.1",
        ),
        Identity("proxy", "system:kube-proxy"),
        Identity("provisioner", "soloist:provisioner"),
        Identity("metrics", "soloist:metrics", addresses=f"IP:{NODE_ADDRESS}"),
        # Whom the API server says it is when it passes a request on to another one (`metrics` looks for this name).
        Identity("front-proxy", "front-proxy-client"),
    )


def ensure_pki(node: str) -> Path:
    """The folder with the authority, the service accounts' key and a certificate per identity."""
    wanted = identities(node)
    name = hashlib.sha256(repr(wanted).encode()).hexdigest()[:12]
    folder = cache() / "pki" / name
    with files.lock(cache() / "pki.lock"):
        if not folder.exists():
            with files.whole(folder) as half:
                half.chmod(0o700)
                make_authority(half)
                for each in wanted:
                    make_certificate(half, each)
    return folder


def make_authority(folder: Path) -> None:
    why = "Making the cluster's certificate authority"
    curve = ("-pkeyopt", "ec_paramgen_curve:prime256v1")
    request = ("openssl", "req", "-x509", "-newkey", "ec", *curve, "-nodes", "-days", DAYS)
    run(
        *request,
        "-subj",
        "/CN=soloist-local",
        "-keyout",
        folder / "ca.key",
        "-out",
        folder / "ca.crt",
        why=why,
    )
    run("openssl", "genpkey", "-algorithm", "EC", *curve, "-out", folder / "sa.key", why=why)
    run("openssl", "pkey", "-in", folder / "sa.key", "-pubout", "-out", folder / "sa.pub", why=why)


def make_certificate(folder: Path, who: Identity) -> None:
    why = f"Making the certificate of {who.user}"
    key, request, extensions = (folder / f"{who.file}.{end}" for end in ("key", "csr", "ext"))
    names = f"subjectAltName={who.addresses}\n" if who.addresses else ""
    extensions.write_text(f"{names}extendedKeyUsage=clientAuth,serverAuth\n")
    subject = f"/CN={who.user}" + (f"/O={who.group}" if who.group else "")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    run("openssl", "req", *curve, "-keyout", key, "-subj", subject, "-out", request, why=why)
    authority = (
        "-CA",
        folder / "ca.crt",
        "-CAkey",
        folder / "ca.key",
        "-CAcreateserial",
        "-days",
        DAYS,
    )
    sign = ("openssl", "x509", "-req", "-in", request, *authority, "-extfile", extensions)
    run(*sign, "-out", folder / f"{who.file}.crt", why=why)
    request.unlink()
    extensions.unlink()


def write_kubeconfig(path: Path, *, pki: Path, user: str, server: str, context: str) -> Path:
    """A kubeconfig that carries its certificates, so that it can be copied anywhere; JSON is YAML."""

    def encoded(name: str) -> str:
        return base64.b64encode((pki / name).read_bytes()).decode()

    cluster = {"server": server, "certificate-authority-data": encoded("ca.crt")}
    person = {
        "client-certificate-data": encoded(f"{user}.crt"),
        "client-key-data": encoded(f"{user}.key"),
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": user, "user": person}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": user}}],
    }
    text = json.dumps(config, indent=1)
    if path.exists() and path.read_text() == text:
        return path
    return files.write(path, text, mode=0o600)
