"""Values: strict, complete, documented, and none of them without effect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from soloist.api.platform import Platform
from tests.chart import values_table
from tests.chart.helm import CHART, KUBERNETES, Helm, Manifest, Refused

# Where a value has an effect only beside others.
STAGES = ("default", "auth", "external-database", "external")
# What a value's type can't tell: another value that differs from the default.
OTHERS: dict[str, Any] = {
    "image.operator.digest": "sha256:" + "b" * 64,
    "mlflow.image.digest": "sha256:" + "b" * 64,
    "postgresql.image.digest": "sha256:" + "b" * 64,
    "mlflow.trackingUri": "https://other.example.com",
    "platform.autoscaling.metric": "inFlight",
    "platform.prometheusUrl": "https://other.example.com",
    "mlflow.artifacts.destination": "s3://other",
    "platform.defaultRuntime": None,  # must name a runtime: test_a_default_runtime_must_exist
    "platform.volumes.accessMode": "ReadWriteMany",
    "mlflow.artifacts.persistence.accessMode": "ReadWriteMany",
    "runtimes.default.rayVersion": "2.61.0",
    "operator.logLevel": "DEBUG",
    "operator.extraEnv": [{"name": "A", "value": "b"}],
    "mlflow.extraEnv": [{"name": "A", "value": "b"}],
    "networkPolicies.mlflowFrom": [{"podSelector": {}}],
    "networkPolicies.metricsFrom": [{"podSelector": {}}],
}


def defaults() -> dict[str, Any]:
    parsed = yaml.safe_load((CHART / "values.yaml").read_text())
    assert isinstance(parsed, dict)
    return parsed


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that an administrator may set; an empty mapping is one."""
    if isinstance(value, dict) and value and not path.endswith((".requests", ".limits")):
        for key, below in value.items():
            yield from leaves(below, f"{path}.{key}" if path else key)
    else:
        yield path, value


# By the last key of the path, for the same reason.
OTHERS_BY_KEY: dict[str, Any] = {
    "pullPolicy": "Always",
    "imagePullPolicy": "Always",
    "tolerations": [{"operator": "Exists"}],
    "size": "77Gi",
    "modelSize": "77Gi",
    "requests": {"cpu": "7", "memory": "7Gi"},
    "limits": {"cpu": "8", "memory": "8Gi"},
}


def other(path: str, value: Any) -> Any:
    """A valid value that differs from the default."""
    by_key = OTHERS_BY_KEY.get(path.rpartition(".")[2])
    if path in OTHERS or by_key is not None:
        return OTHERS.get(path, by_key)
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return "other"
        case list():
            return ["other"]
        case _:
            return {"other": "value"}


def nest(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return dict(value)


def without_chance(manifests: list[Manifest]) -> str:
    """Rendered text to compare: a Secret's random content would always differ."""
    for manifest in manifests:
        if manifest["kind"] == "Secret":
            manifest["data"] = {key: "random" for key in manifest["data"] if key != "username"} | {
                key: text for key, text in manifest["data"].items() if key == "username"
            }
    return json.dumps(manifests, sort_keys=True)


@pytest.mark.parametrize(
    "path", [path for path, _ in leaves(defaults()) if OTHERS.get(path, "") is not None]
)
def test_every_value_has_an_effect(helm: Helm, baselines: dict[str, str], path: str) -> None:
    value = other(path, dict(leaves(defaults()))[path])
    for stage in STAGES:
        if rendered_or_refused(helm, stage, nest(path, value)) != baselines[stage]:
            return
    pytest.fail(f"{path}: {value!r} changes nothing")


def rendered_or_refused(helm: Helm, stage: str, values: dict[str, Any]) -> str:
    try:
        return without_chance(helm.render(stage, values))
    except Refused as refused:
        # The chart's own refusal is an effect, too; the schema's only says that this test made a wrong value.
        if "schema" in str(refused):
            raise
        return str(refused)


@pytest.fixture(scope="module")
def baselines(helm: Helm) -> dict[str, str]:
    return {stage: without_chance(helm.render(stage)) for stage in STAGES}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        pytest.param({"operator": {"replica": 3}}, "'replica' not allowed", id="a misspelt key"),
        pytest.param({"monitoring": {}}, "'monitoring' not allowed", id="an unknown part"),
        pytest.param({"operator": {"replicas": 0}}, "/operator/replicas", id="no replica"),
        pytest.param({"mlflow": {"workers": "two"}}, "/mlflow/workers", id="a word for a number"),
        pytest.param(
            {"mlflow": {"artifacts": {"persistence": {"size": "20 GB"}}}}, "/size", id="no quantity"
        ),
        pytest.param({"image": {"operator": {"digest": "1234"}}}, "/digest", id="no digest"),
        pytest.param(
            {"mlflow": {"trackingUri": "mlflow:5000"}},
            "/trackingUri",
            id="an address without scheme",
        ),
        pytest.param(
            {"mlflow": {"enabled": False}}, "mlflow.trackingUri must name", id="no MLflow at all"
        ),
        pytest.param(
            {"postgresql": {"enabled": False}},
            "mlflow.backendStoreUri.secretName must",
            id="no database",
        ),
        pytest.param(
            {"platform": {"defaultRuntime": "gpu"}},
            "platform.defaultRuntime",
            id="an unknown runtime",
        ),
        pytest.param(
            {"mlflow": {"enabled": False, "trackingUri": "https://a", "auth": {"enabled": True}}},
            "mlflow.auth.existingSecret must name",
            id="no login for an existing MLflow",
        ),
    ],
)
def test_wrong_values_are_refused_with_their_name(
    helm: Helm, values: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refused) as refused:
        helm.render(values=values)
    assert sentence in str(refused.value)


def test_the_schema_names_every_value_and_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert sorted(known(schema, schema)) == sorted(paths(defaults()))


def paths(value: Any, path: str = "") -> Iterator[str]:
    """Every key of the values down to where a schema leaves the content to Kubernetes."""
    for key, below in value.items():
        here = f"{path}.{key}" if path else key
        yield here
        if isinstance(below, dict) and here != "runtimes" and not here.endswith("resources"):
            yield from paths(below, here)


def known(schema: Any, node: Any, path: str = "") -> Iterator[str]:
    node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    for key, below in node.get("properties", {}).items():
        here = f"{path}.{key}" if path else key
        if here != "global":
            yield here
            if not here.endswith("resources"):
                yield from known(schema, below, here)


def test_the_readme_lists_every_value_as_the_file_explains_it() -> None:
    readme = (CHART / "README.md").read_text()
    assert readme == values_table.rewritten(readme), "run: python -m tests.chart.values_table"


@pytest.mark.parametrize(
    ("metric", "apis", "expected"),
    [
        pytest.param("auto", (), "cpu", id="nothing but a metrics-server may be there"),
        pytest.param("auto", ("custom.metrics.k8s.io/v1beta1",), "inFlight", id="an adapter"),
        pytest.param("auto", ("custom.metrics.k8s.io/v1beta2",), "inFlight", id="a newer one"),
        pytest.param("cpu", ("custom.metrics.k8s.io/v1beta1",), "cpu", id="another's adapter"),
        pytest.param("inFlight", (), "inFlight", id="an adapter that comes later"),
    ],
)
def test_pods_are_counted_by_what_the_cluster_serves(
    helm: Helm, metric: str, apis: tuple[str, ...], expected: str
) -> None:
    known = [word for api in apis for word in ("--api-versions", api)]
    told = ("--set", f"platform.autoscaling.metric={metric}")
    shown = (f"--kube-version={KUBERNETES}", "--show-only=templates/operator/config.yaml")
    printed = helm.run("template", "soloist", str(CHART), *known, *told, *shown)
    config = yaml.safe_load(yaml.safe_load(printed)["data"]["config.yaml"])
    assert config["autoscaling"] == {"metric": expected}
    assert Platform.model_validate(config).autoscaling.metric == expected
