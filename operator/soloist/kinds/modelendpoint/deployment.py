"""The pods of one version of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from soloist.api.platform import Platform
from soloist.api.v1alpha1.modelendpoint import PinnedVersion
from soloist.kinds import podenv
from soloist.kinds.modelendpoint import names, optimized
from soloist.kinds.modelendpoint.names import SERVER_PORT as PORT
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.kinds.pods import (
    container_security,
    mlflow_env,
    placement,
    plain,
    resources,
    rolling_deployment,
    scratch,
    spread,
)

# Half of it as if nothing were: the gateways need up to two seconds to see that a new pod is well, and one to see that
# an old one is not.
DRAIN_SECONDS = 8
GRACE_SECONDS = 30


def build(
    endpoint: Endpoint, pinned: PinnedVersion, replicas: int, platform: Platform
) -> dict[str, Any]:
    """One Deployment for one version: versions never mix in it, so a rollout is made by the gateway, at once."""
    part = {names.PART_LABEL: names.SERVER, names.VERSION_LABEL: pinned.version}
    selector = names.selector(endpoint, pinned.version)
    image = names.image_of(pinned, platform, endpoint.spec.runtime)
    pod = server_pod(
        endpoint, platform, image,
        fetch={
            **fetch(pinned, platform, **optimized.fetch_env(endpoint)),
            "resources": optimized.fetch_resources(endpoint),
        },
        server=_server(endpoint, pinned, platform),
        topologySpreadConstraints=[spread(selector)],
    )  # fmt: skip
    return rolling_deployment(
        names.deployment(endpoint, pinned.version),
        endpoint.namespace,
        labels=part,
        replicas=replicas,
        selector=selector,
        template={
            "metadata": {"labels": {**names.labels(endpoint), **part}},
            "spec": pod,
        },
    )


def service(endpoint: Endpoint, version: str) -> dict[str, Any]:
    """The version's pods by name, one address each: the gateway chooses among them itself."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": names.deployment(endpoint, version),
            "namespace": endpoint.namespace,
            "labels": {names.VERSION_LABEL: version},
        },
        "spec": headless(names.selector(endpoint, version)),
    }


def headless(selector: dict[str, str]) -> dict[str, Any]:
    """A Service's spec that lists pods for the gateways."""
    return {
        "clusterIP": "None",
        # The gateways probe each pod themselves. Told of a pod only once it is ready, they would know it seconds later
        # (a cluster's DNS answers are cached for five) than the kubelet, who lets the pod before it go at once.
        "publishNotReadyAddresses": True,
        "selector": selector,
        "ports": [{"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP"}],
    }


def server_pod(
    endpoint: Endpoint,
    platform: Platform,
    image: str | None,
    *,
    fetch: Mapping[str, Any],
    server: Mapping[str, Any],
    **more: Any,
) -> dict[str, Any]:
    """A pod that brings a version's files onto the endpoint's volume, and then serves from there what it may only read."""
    tmp, tmp_mount = scratch("tmp", "/tmp")
    base = {
        "image": image,
        "imagePullPolicy": platform.image_pull_policy,
        "securityContext": container_security(),
    }
    models = {"name": "models", "mountPath": podenv.MODELS_PATH}
    claim = {"name": "models", "persistentVolumeClaim": {"claimName": names.claim(endpoint)}}
    return {
        **placement(platform, endpoint.spec.service_account),
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        **more,
        "initContainers": [{"name": "fetch", **base, **fetch, "volumeMounts": [models, tmp_mount]}],
        "containers": [
            {
                "name": names.SERVER_CONTAINER,
                **base,
                **server,
                "volumeMounts": [{**models, "readOnly": True}, tmp_mount],
            }
        ],
        "volumes": [claim, tmp],
    }


def fetch(pinned: PinnedVersion, platform: Platform, **more: str) -> dict[str, Any]:
    """How a container brings the version's files onto the volume."""
    env = {
        "HOME": "/tmp",
        podenv.MODEL_URI: pinned.artifact,
        podenv.MODEL_DIR: names.model_dir(pinned),
        **more,
    }
    return {
        "command": ["python", "-m", "soloist_workloads.fetch"],
        "env": [*mlflow_env(platform), *plain(env)],
    }


def _server(endpoint: Endpoint, pinned: PinnedVersion, platform: Platform) -> dict[str, Any]:
    env = server_env(pinned, pinned.version) | {podenv.PEERS: names.peers(endpoint, platform)}
    if endpoint.spec.allow_pickle:
        env[podenv.ALLOW_PICKLE] = "1"
    env |= optimized.server_env(endpoint) | _keep_env(endpoint, platform)
    return {**listening(env), "resources": resources(endpoint.spec.cpu, endpoint.spec.memory)}


def _keep_env(endpoint: Endpoint, platform: Platform) -> dict[str, str]:
    """How many requests a pod keeps, and where it sends them again."""
    rollout = endpoint.spec.rollout
    if rollout is None or rollout.replay is None:
        return {}
    return {
        podenv.KEEP_REQUESTS: str(rollout.replay.requests),
        podenv.GATEWAY: names.gateway_url(endpoint, platform),
    }


def server_env(files: PinnedVersion, version: str) -> dict[str, str]:
    """What the serving runtime must know: whose files it reads, and as which version it answers."""
    return {
        "HOME": "/tmp",
        podenv.MODEL_DIR: names.model_dir(files),
        podenv.MODEL_NAME: files.name,
        podenv.MODEL_VERSION: version,
        podenv.PORT: str(PORT),
        podenv.DRAIN_SECONDS: str(DRAIN_SECONDS),
    }


def listening(env: Mapping[str, str]) -> dict[str, Any]:
    """The serving runtime, and how the kubelet asks it how it is."""
    ready = {"path": "/v2/health/ready", "port": "http"}
    return {
        "command": ["python", "-m", "soloist_workloads.serving"],
        "env": plain(env),
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        # A large model may take minutes to load; a small one should not wait for the next look.
        "startupProbe": {"httpGet": ready, "periodSeconds": 1, "failureThreshold": 600},
        "readinessProbe": {"httpGet": ready, "periodSeconds": 2, "failureThreshold": 2},
        "livenessProbe": {
            "httpGet": {"path": "/v2/health/live", "port": "http"},
            "periodSeconds": 10,
            "failureThreshold": 3,
            "timeoutSeconds": 5,
        },
    }
