"""What the operator's role can't say: that it annotates pods and no more, and writes no ConfigMap but its own."""

from __future__ import annotations

import time

import pytest

from tests.chart.helm import Release
from tests.cluster.apiserver import ControlPlane

POD = """
apiVersion: v1
kind: Pod
metadata: {name: hers, labels: {app: hers}}
spec:
  serviceAccountName: hers
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: main
    image: example.com/hers:1
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""
SECONDS = 20


@pytest.fixture
def operator(release: Release, plane: ControlPlane) -> str:
    """The installed operator's name; the API server takes a new policy up within a few seconds."""
    release.upgrade()
    plane.kubectl("create", "serviceaccount", "hers", "-n", release.namespace)
    plane.kubectl("apply", "-n", release.namespace, "-f", "-", text=POD)
    plane.kubectl("create", "configmap", "hers", "-n", release.namespace, "--from-literal=a=b")
    who = f"system:serviceaccount:{release.namespace}:soloist-operator"
    # kubectl reads an object before it changes it; the operator does not, and may not.
    reads = ("--clusterrole=view", f"--user={who}", "-n", release.namespace)
    plane.kubectl("create", "rolebinding", "reads", *reads)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            plane.kubectl(
                "label",
                "pod/hers",
                "probe=1",
                "--overwrite",
                "-n",
                release.namespace,
                f"--as={who}",
            )
            plane.kubectl("label", "pod/hers", "probe-", "-n", release.namespace)
        except AssertionError as error:
            if "may annotate a pod" in str(error):
                return who
    pytest.fail("the policy does not work")


def test_the_operator_annotates_pods_and_changes_nothing_else_of_them(
    release: Release, plane: ControlPlane, operator: str
) -> None:
    within = ("-n", release.namespace, f"--as={operator}")
    plane.kubectl("annotate", "pod/hers", "soloist.dev/gateway-files=1", *within)
    patch = '{"spec": {"containers": [{"name": "main", "image": "example.com/other:1"}]}}'
    with pytest.raises(AssertionError, match="may annotate a pod, and change nothing else"):
        plane.kubectl("patch", "pod/hers", "--patch", patch, *within)


def test_the_operator_changes_no_config_map_but_its_own(
    release: Release, plane: ControlPlane, operator: str
) -> None:
    within = ("-n", release.namespace, f"--as={operator}")
    for change in (
        ("patch", "configmap/hers", "--patch", '{"data": {"a": "c"}}'),
        ("delete", "configmap/hers"),
        ("label", "configmap/hers", "app.kubernetes.io/managed-by=soloist"),
    ):
        with pytest.raises(
            AssertionError, match="may change the ConfigMaps that it made, and no other"
        ):
            plane.kubectl(*change, *within)
    labelled = "app.kubernetes.io/managed-by=soloist"
    plane.kubectl("label", "configmap/hers", labelled, "-n", release.namespace)
    plane.kubectl("patch", "configmap/hers", "--patch", '{"data": {"a": "c"}}', *within)
