"""The operator's own rights suffice for a project's whole life, and hold nothing that it doesn't use."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from soloist.adapters.kube_client import KubeCluster
from soloist.adapters.kube_transport import Transport, connect
from soloist.core.objects import PROJECT, SECRET, ObjectRef
from soloist.rbac import CHILD_KINDS, operator_grants
from tests.apiserver.people import RealPeople
from tests.cluster.apiserver import ControlPlane, Request
from tests.cluster.binaries import ensure_built
from tests.cluster.phases import until
from tests.support.demo import Demo
from tests.support.fake_ports import FakeClock

NAMESPACE = "soloist-system"
USER = f"system:serviceaccount:{NAMESPACE}:operator"
# Rights that no request of this story needs, each with the reason why it is held all the same.
OURS = ("pipelines", "runs", "modelendpoints")
UNSEEN = {
    **{
        f"update {it}/finalizers": "asked by an admission plugin that is off here"
        for it in ("projects", *OURS)
    },
    **{
        f"{verb} {it}": "no endpoint of these stories is exposed"
        for it in ("ingresses", "httproutes")
        for verb in ("create", "patch")
    },
    "watch httproutes": "the Gateway API is not installed here",
    "patch pods": "new files of a gateway; nothing runs a gateway here",
    **{f"get {it.plural}": "whose is it, when a child's name is taken" for it in CHILD_KINDS},
    **{f"delete {it.plural}": "a child that is not wanted any more" for it in CHILD_KINDS},
    **{f"delete {it}": "a child that is not wanted any more" for it in OURS},
}


def role() -> list[dict[str, Any]]:
    """The operator's role, its binding, and the lease that the chart grants by hand."""
    about = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    subject = {"kind": "ServiceAccount", "name": "operator", "namespace": NAMESPACE}
    rules = [grant.rule() for grant in operator_grants()]
    lease = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["*"]}
    made: list[dict[str, Any]] = []
    for kind, names, its in (
        ("ClusterRole", {}, rules),
        ("Role", {"namespace": NAMESPACE}, [lease]),
    ):
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "operator"}
        made.append(
            {**about, "kind": kind, "metadata": {"name": "operator", **names}, "rules": its}
        )
        made.append(
            {
                **about,
                "kind": f"{kind}Binding",
                "metadata": {"name": "operator", **names},
                "roleRef": reference,
                "subjects": [subject],
            }
        )
    return made


@pytest.fixture(scope="module")
def guarded(plane: ControlPlane) -> ControlPlane:
    """The API server, with KubeRay's kinds and the operator's ServiceAccount."""
    for crd in sorted((ensure_built() / "kuberay").glob("ray.io_*.yaml")):
        plane.kubectl("apply", "--server-side", "-f", str(crd))
    plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    plane.kubectl("create", "namespace", NAMESPACE)
    plane.kubectl("create", "serviceaccount", "operator", "-n", NAMESPACE)
    for manifest in role():
        plane.kubectl("apply", "-f", "-", text=json.dumps(manifest))
    return plane


@pytest.fixture(scope="module")
def kubeconfig(guarded: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """How the operator's ServiceAccount reaches the API server."""
    token = guarded.kubectl("create", "token", "operator", "-n", NAMESPACE).strip()
    config = yaml.safe_load(guarded.kubeconfig_path.read_text())
    config["users"] = [{"name": "operator", "user": {"token": token}}]
    config["contexts"][0]["context"]["user"] = "operator"
    path = tmp_path_factory.mktemp("rights") / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def asked(plane: ControlPlane, since: int = 0) -> list[Request]:
    """What the operator asked for."""
    return [request for request in plane.requests()[since:] if request.user == USER]


def refused(requests: list[Request]) -> set[str]:
    return {right(request) for request in requests if request.code in (401, 403)}


def right(request: Request) -> str:
    part = f"/{request.subresource}" if request.subresource else ""
    return f"{request.verb} {request.resource}{part}"


def granted() -> set[str]:
    return {
        f"{verb} {resource}"
        for grant in operator_grants()
        for resource in grant.resources
        for verb in grant.verbs
    }


@pytest.mark.asyncio
async def test_a_project_lives_from_apply_to_delete_under_the_operators_rights(
    guarded: ControlPlane, kubeconfig: Path, transport: Transport
) -> None:
    guarded.kubectl("create", "namespace", "life")
    own = Transport(await connect(str(kubeconfig)))
    cluster = KubeCluster(own)
    it = Demo(KubeCluster(transport), RealPeople(transport), "life", FakeClock())
    # The loop alone has the operator's rights; users and controllers keep their own.
    it.story.ports = dataclasses.replace(it.story.ports, cluster=cluster)
    await it.apply()
    project = await cluster.get(ObjectRef(PROJECT, "life", "flights"))
    assert project is not None
    assert project["status"]["stage"] == "Serving"
    await it.edit()
    await it.delete()
    # What the story's pods would have asked for.
    assert await cluster.get(ObjectRef(SECRET, "life", "git")) is None
    assert await cluster.log_tail("life", "none", "none", 10) == ""
    await own.close()
    assert refused(asked(guarded)) == set()


@pytest.fixture(scope="module")
def running(
    guarded: ControlPlane, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The whole operator as a process, and its log. MLflow is not there."""
    folder = tmp_path_factory.mktemp("operator")
    config = {"runtimes": {"default": {"image": "runtime:1"}}}
    config["mlflow"] = {"trackingUri": "http://127.0.0.1:9"}  # type: ignore[dict-item]  # YAML to be
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    environment = {
        **os.environ,
        "KUBECONFIG": str(kubeconfig),
        "SOLOIST_CONFIG": str(folder / "config.yaml"),
        "POD_NAMESPACE": NAMESPACE,
        "SOLOIST_PORT": "18931",
    }
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "soloist", "run"], env=environment, stdout=output, stderr=output
        )
        yield log
        process.terminate()
        process.wait(timeout=30)


def test_the_whole_operator_watches_and_acts_under_its_rights(
    guarded: ControlPlane, running: Path
) -> None:
    begun = len(guarded.requests())
    guarded.kubectl("create", "namespace", "whole")
    manifest = {
        "apiVersion": "soloist.dev/v1alpha1",
        "kind": "Project",
        "metadata": {"name": "flights", "namespace": "whole"},
        "spec": {
            "source": {"configMap": "code"},
            "pipeline": {"steps": [{"name": "train", "command": "python train.py"}]},
            "endpoint": {},
        },
    }
    guarded.kubectl("apply", "-f", "-", text=json.dumps(manifest))
    children = ("pipeline.soloist.dev/flights", "modelendpoint.soloist.dev/flights")

    def told() -> bool:
        found = guarded.kubectl("get", *children, "-n", "whole", "-o", "json", check=False)
        return found.count('"summary"') == len(children)

    until("The project's children with a status", told, within=60)
    seen = asked(guarded)
    assert refused(seen) == set(), running.read_text()
    assert asked(guarded, begun) != []
    watched = {request.resource for request in seen if request.verb == "watch"}
    assert {"projects", "pipelines", "runs", "modelendpoints", "rayjobs", "pods"} <= watched
    # After both stories: what is granted and was never used has a reason, or goes.
    used = {right(request) for request in seen}
    # An apply of what doesn't exist yet is authorized as a create, and recorded as a patch that answers 201.
    used |= {f"create {it.resource}" for it in seen if it.verb == "patch" and it.code == 201}
    assert sorted(granted() - used - set(UNSEEN)) == []
