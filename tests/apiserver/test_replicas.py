"""The operator as processes: two of them, one at work; killed, stopped, frozen; KubeRay that comes later."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.replica import Replica
from tests.cluster.apiserver import ControlPlane
from tests.cluster.binaries import ensure_built
from tests.e2e.eventually import eventually

pytestmark = pytest.mark.timeout(300)
CRDS = Path(__file__).resolve().parents[2] / "crds"
NOWHERE = "http://127.0.0.1:9"
PIPELINE = {
    "apiVersion": "soloist.dev/v1alpha1",
    "kind": "Pipeline",
    "metadata": {"name": "flights"},
    "spec": {
        "source": {"configMap": "code"},
        "steps": [{"name": "train", "command": "python train.py"}],
    },
}


class Site:
    """A control plane without KubeRay, and the operators that a test starts on it."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.plane = plane
        self.folder = folder
        self.replicas: list[Replica] = []

    def start(self, name: str) -> Replica:
        replica = Replica(self.plane, self.folder, name, NOWHERE)
        self.replicas.append(replica)
        return replica

    def leader(self, name: str) -> Replica:
        """A replica that leads and watches."""
        replica = self.start(name)
        eventually(lambda: replica.leads and replica.page("readyz") == "ok", within=60)
        return replica

    def standby(self, name: str) -> Replica:
        """A replica that waits for its turn."""
        replica = self.start(name)
        eventually(lambda: replica.page("readyz") == "ok", within=60)
        return replica

    def code(self, text: str) -> None:
        """The user's code, new or edited."""
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "code"}}
        self.apply({**body, "data": {"train.py": text}})

    def command(self, words: str) -> None:
        """The user edits the pipeline."""
        steps = [{"name": "train", "command": words}]
        self.apply({**PIPELINE, "spec": {"source": {"configMap": "code"}, "steps": steps}})

    def apply(self, body: dict[str, Any]) -> None:
        self.plane.kubectl("apply", "-f", "-", text=json.dumps(body))

    def get(self, what: str) -> Any:
        return json.loads(self.plane.kubectl("get", what, "-o", "json"))["items"]

    def runs(self) -> list[str]:
        return [run["metadata"]["name"] for run in self.get("runs")]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ControlPlane() as plane:
        plane.kubectl("apply", "--server-side", "-f", str(CRDS))
        plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        plane.kubectl("create", "namespace", "soloist-system")
        it = Site(plane, tmp_path)
        yield it
        for replica in it.replicas:
            replica.process.kill()
            replica.process.wait()


def test_a_killed_leader_is_replaced_within_20_seconds_and_nothing_is_done_twice(
    site: Site,
) -> None:
    first = site.leader("one")
    second = site.standby("two")
    site.code("print(1)")
    site.apply(PIPELINE)
    eventually(lambda: site.runs() == ["flights-1"], within=15)
    assert not second.leads
    first.kill()
    killed = time.monotonic()
    site.code("print(2)")
    eventually(lambda: "flights-2" in site.runs(), within=20, what="the next Run")
    print(f"taken over and at work {time.monotonic() - killed:.1f} s after SIGKILL")
    eventually(lambda: second.metric("soloist_queue_depth") == 0, within=10)
    made = [(write.verb, write.name) for write in site.plane.writes()
            if write.resource == "runs" and write.code == 201]  # fmt: skip
    assert sorted(name for _, name in made) == ["flights-1", "flights-2"]


def test_a_stopped_leader_hands_over_within_3_seconds(site: Site) -> None:
    first = site.leader("one")
    second = site.standby("two")
    asked = time.monotonic()
    assert first.stop() == 0
    eventually(lambda: second.leads, within=3 - (time.monotonic() - asked), what="the hand-over")
    print(f"handed over {time.monotonic() - asked:.1f} s after SIGTERM")


def test_a_leader_that_slept_too_long_writes_nothing_and_ends(site: Site) -> None:
    first = site.leader("one")
    second = site.standby("two")
    site.code("print(1)")
    site.apply(PIPELINE)
    eventually(lambda: site.runs() == ["flights-1"], within=15)
    first.freeze()
    eventually(lambda: second.leads and second.page("readyz") == "ok", within=25)
    site.command("python train.py --again")
    eventually(lambda: "flights-2" in site.runs(), within=15)
    first.thaw()
    site.command("python train.py --once-more")
    eventually(lambda: first.process.poll() is not None, within=15, what="its end")
    assert first.process.returncode != 0
    eventually(lambda: "flights-3" in site.runs(), within=15)
    made = [write.name for write in site.plane.writes()
            if write.resource == "runs" and write.code == 201]  # fmt: skip
    assert len(made) == len(set(made))


def test_without_kuberay_it_says_so_and_goes_on_when_it_comes(site: Site) -> None:
    operator = site.leader("one")
    print(f"idle: {operator.memory_mib:.0f} MiB")
    site.code("print(1)")
    site.apply(PIPELINE)

    def summary() -> str:
        return str(site.get("pipelines")[0].get("status", {}).get("summary", ""))

    eventually(lambda: "KubeRay is not installed" in summary(), within=15, last=summary)
    assert "helm install kuberay-operator" in summary()
    for crd in sorted((ensure_built() / "kuberay").glob("ray.io_*.yaml")):
        site.plane.kubectl("apply", "--server-side", "-f", str(crd))
    eventually(lambda: site.get("rayclusters"), within=30, what="a RayCluster")


def test_an_outage_of_the_api_server_is_survived(site: Site) -> None:
    operator = site.leader("one")
    site.plane.pause_apiserver()
    site.plane.resume_apiserver()
    site.code("print(1)")
    site.apply(PIPELINE)
    eventually(lambda: site.runs() == ["flights-1"], within=20)
    assert operator.process.poll() is None


def test_a_deleted_or_edited_child_is_restored_without_anyone_asking(site: Site) -> None:
    site.leader("one")
    site.code("print(1)")
    site.apply(PIPELINE)
    eventually(lambda: site.get("persistentvolumeclaims"), within=15)
    site.plane.kubectl("delete", "persistentvolumeclaims", "--all", "--wait=false")
    before = site.get("persistentvolumeclaims")
    for claim in before:
        patch = json.dumps({"metadata": {"finalizers": None}})
        name = claim["metadata"]["name"]
        site.plane.kubectl("patch", "pvc", name, "--type=merge", "-p", patch, check=False)
    old = {claim["metadata"]["uid"] for claim in before}
    eventually(
        lambda: {one["metadata"]["uid"] for one in site.get("persistentvolumeclaims")} - old,
        within=10,
        what="a new claim",
    )


def test_an_idle_operator_writes_nothing_but_its_lease(site: Site) -> None:
    operator = site.leader("one")
    site.code("print(1)")
    site.apply(PIPELINE)
    eventually(lambda: "KubeRay" in str(site.get("pipelines")), within=15)
    eventually(lambda: operator.metric("soloist_queue_depth") == 0, within=10)
    before = len(site.plane.writes())
    reconciles = operator.metric("soloist_reconcile_total")
    eventually(
        lambda: operator.metric("soloist_reconcile_total") >= reconciles + 2, within=60
    )  # the Run that waits for KubeRay is looked at every few seconds
    done = [write for write in site.plane.writes()[before:] if write.code < 300]
    assert {write.resource for write in done} <= {"leases"}
