"""What the chart says, profile by profile, without a cluster."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from soloist.api.platform import Platform
from tests.chart.helm import (
    CHART,
    KUBERNETES,
    PROFILES,
    Helm,
    Manifest,
    containers,
    only,
    pod_specs,
    profile,
)

Rendered = Callable[[str], list[Manifest]]
SELECTORS: dict[str, Callable[[Manifest], dict[str, str]]] = {
    "Service": lambda spec: spec["selector"],
    "NetworkPolicy": lambda spec: spec["podSelector"]["matchLabels"],
    "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
}
every_profile = pytest.mark.parametrize("name", PROFILES)


def config(manifests: list[Manifest], name: str = "soloist-operator") -> Manifest:
    parsed = yaml.safe_load(only(manifests, "ConfigMap", name)["data"]["config.yaml"])
    assert isinstance(parsed, dict)
    return parsed


@every_profile
def test_helm_lint_has_nothing_to_say(helm: Helm, name: str) -> None:
    said = helm.run(
        "lint", "--strict", f"--kube-version={KUBERNETES}", f"--values={profile(name)}", str(CHART)
    )
    assert "0 chart(s) failed" in said


@every_profile
def test_the_operator_can_read_its_configuration(rendered: Rendered, name: str) -> None:
    operator = "mlplatform-operator" if name == "full" else "soloist-operator"
    platform = Platform.model_validate(config(rendered(name), operator))
    assert platform.operator_namespace == "soloist-system"


def test_every_key_of_the_configuration_can_be_set_by_values(rendered: Rendered) -> None:
    full, auth = config(rendered("full"), "mlplatform-operator"), config(rendered("auth"))
    assert set(full) == {field.alias for field in Platform.model_fields.values()}
    for part, where in (("volumes", full), ("mlflow", auth)):
        model = Platform.model_fields[part].annotation
        assert model is not None
        assert set(where[part]) == {field.alias for field in model.model_fields.values()}, part


def test_a_changed_configuration_replaces_the_operators_pods(helm: Helm) -> None:
    def checksum(seconds: int) -> str:
        manifests = helm.render(values={"platform": {"gitPollSeconds": seconds}})
        template = only(manifests, "Deployment", "soloist-operator")["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    assert checksum(60) == checksum(60)
    assert checksum(60) != checksum(61)


@every_profile
def test_every_image_comes_from_values(helm: Helm, name: str) -> None:
    digest = "sha256:" + "a" * 64
    given = {
        "image": {"operator": {"repository": "mine/operator", "digest": "", "tag": "1"}},
        "mlflow": {"image": {"repository": "mine/mlflow", "tag": "2"}},
        "postgresql": {"image": {"repository": "mine/postgres", "tag": "3", "digest": digest}},
    }
    images = {
        c["image"] for pod in pod_specs(helm.render(name, given)).values() for c in containers(pod)
    }
    assert images <= {"mine/operator:1", "mine/mlflow:2", f"mine/postgres@{digest}"}


@every_profile
def test_pods_restart_only_for_what_changed_in_them(
    helm: Helm, rendered: Rendered, name: str
) -> None:
    """A chart version in a pod's labels would restart the database at each upgrade."""
    versions = {"helm.sh/chart", "app.kubernetes.io/version"}
    for manifest in rendered(name):
        template = manifest.get("spec", {}).get("template", {})
        assert not versions & set(template.get("metadata", {}).get("labels", {}))
        for claim in manifest.get("spec", {}).get("volumeClaimTemplates", []):
            assert not versions & set(claim["metadata"]["labels"])


@every_profile
def test_every_object_is_labelled_and_lands_in_the_releases_namespace(
    rendered: Rendered, name: str
) -> None:
    cluster_wide = {
        "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition",
        "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    }  # fmt: skip
    for manifest in rendered(name):
        labels = manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "soloist"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        if manifest["kind"] not in cluster_wide:
            assert manifest["metadata"]["namespace"] == "soloist-system"


@every_profile
def test_services_find_their_pods(rendered: Rendered, name: str) -> None:
    manifests = rendered(name)
    templates = [
        m["spec"]["template"]["metadata"]["labels"]
        for m in manifests
        if m["kind"] in ("Deployment", "StatefulSet")
    ]
    for manifest in manifests:
        if selector := SELECTORS.get(manifest["kind"]):
            wanted = selector(manifest["spec"]).items()
            found = [labels for labels in templates if wanted <= labels.items()]
            assert len(found) == 1, manifest["metadata"]["name"]


def test_mlflow_answers_under_the_name_that_the_operator_uses(rendered: Rendered) -> None:
    manifests = rendered("default")
    address = config(manifests)["mlflow"]["trackingUri"]
    assert address == "http://soloist-mlflow.soloist-system.svc:5000"
    (server,) = pod_specs(manifests)["Deployment/soloist-mlflow"]["containers"]
    (hosts,) = [e["value"] for e in server["env"] if e["name"] == "MLFLOW_SERVER_ALLOWED_HOSTS"]
    assert address.removeprefix("http://") in hosts.split(",")
    assert only(manifests, "Service", "soloist-mlflow")["spec"]["ports"][0]["port"] == 5000


def test_no_password_is_an_argument(rendered: Rendered) -> None:
    for name in PROFILES:
        for pod in pod_specs(rendered(name)).values():
            for container in containers(pod):
                words = [*container.get("command", []), *container.get("args", [])]
                assert not [word for word in words if "PASSWORD)" in word or "STORE_URI)" in word]


def test_a_single_replica_has_no_disruption_budget(rendered: Rendered) -> None:
    kinds = {manifest["kind"] for manifest in rendered("minimal")}
    assert "PodDisruptionBudget" not in kinds
    assert "NetworkPolicy" not in kinds
    assert "CustomResourceDefinition" not in kinds


def test_with_everything_elsewhere_only_the_operator_is_left(rendered: Rendered) -> None:
    manifests = rendered("external")
    assert set(pod_specs(manifests)) == {"Deployment/soloist-operator"}
    assert not [m for m in manifests if m["kind"] in ("Secret", "PersistentVolumeClaim")]
    assert config(manifests)["mlflow"]["trackingUri"] == "https://mlflow.example.com"


def test_only_an_in_cluster_mlflow_has_its_ways_out_closed(rendered: Rendered) -> None:
    """A bucket or an external database has no address that a NetworkPolicy could name."""
    for name, kinds in (
        ("default", ["Ingress", "Egress"]),
        ("s3", ["Ingress"]),
        ("external-database", ["Ingress"]),
    ):
        assert (
            only(rendered(name), "NetworkPolicy", "soloist-mlflow")["spec"]["policyTypes"] == kinds
        )
