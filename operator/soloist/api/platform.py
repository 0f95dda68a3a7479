"""What the administrator sets once, in Helm values, for every project: one file, read at start."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from soloist.api.fields import Model, Quantity


class MLflow(Model):
    """Where MLflow is."""

    tracking_uri: str = "http://soloist-mlflow:5000"
    """Address of the tracking server, as seen from every namespace."""
    username_env: str | None = None
    """Name of the operator's environment variable with the user name, where MLflow asks for one."""
    password_env: str | None = None
    """Name of the operator's environment variable with the password."""
    credentials_secret: str | None = None
    """Secret (keys `username`, `password`) that must exist in each project's namespace for its pods, where MLflow asks for one."""


class RuntimeImage(Model):
    """One runtime: an image that holds Ray, MLflow and `soloist_workloads`."""

    image: str
    """The image."""
    ray_version: str = "2.60.0"
    """Version of Ray inside it."""


class Volumes(Model):
    """Volumes that the operator makes."""

    storage_class: str | None = None
    """StorageClass; without it the cluster's default."""
    access_mode: str = "ReadWriteOnce"
    """ReadWriteMany where pods of one project spread over several machines."""
    size: Quantity = "10Gi"
    """Size of a project's volume unless it names one."""
    model_size: Quantity = "5Gi"
    """Size of an endpoint's model volume."""


class Autoscaling(Model):
    """How the number of an endpoint's pods follows the load."""

    metric: Literal["inFlight", "cpu"] = "cpu"
    """`inFlight`: requests that a pod works on at once, where a custom metrics API serves `soloist_serving_in_flight_requests` of
    pods. `cpu`: their use of CPU, which takes a metrics-server only."""


class Platform(Model):
    """The operator's configuration file. Unknown keys are refused: a typing error must not be silence."""

    model_config = ConfigDict(extra="forbid")

    mlflow: MLflow = Field(default_factory=MLflow)
    """Where MLflow is."""
    runtimes: dict[str, RuntimeImage]
    """Runtimes by name."""
    default_runtime: str = "default"
    """The runtime of a project that names none."""
    volumes: Volumes = Field(default_factory=Volumes)
    """Volumes that the operator makes."""
    gateway_image: str = "envoyproxy/envoy:v1.40.0"
    """Image of the endpoints' gateways: Envoy, with `envoy` and `bash` on its path."""
    autoscaling: Autoscaling = Field(default_factory=Autoscaling)
    """How the number of an endpoint's pods follows the load."""
    prometheus_url: str = ""
    """Address of Prometheus, for the queries that rollouts are judged by; empty where there is none."""
    image_pull_policy: str = "IfNotPresent"
    """For every pod that the operator makes."""
    image_pull_secrets: list[str] = Field(default_factory=list)
    """Secrets for private registries; they must exist in each project's namespace."""
    node_selector: dict[str, str] = Field(default_factory=dict)
    """Nodes that may run the projects' pods."""
    cluster_domain: str = "cluster.local"
    """DNS domain of the cluster."""
    network_policies: bool = True
    """Whether to make NetworkPolicies in the projects' namespaces."""
    operator_namespace: str = "soloist-system"
    """Where the operator runs: its traffic to the projects' pods is allowed."""
    monitoring_namespace: str = "monitoring"
    """Where Prometheus runs: it may read the metrics of serving pods also where an endpoint's gateway asks who is there. Empty:
    nobody but the operator may."""
    kuberay_namespace_labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the namespace in which KubeRay's operator runs; empty allows every namespace to reach a Ray head's dashboard."""
    git_poll_seconds: int = Field(default=60, ge=5)
    """How often a Git reference is looked up."""
    registry_poll_seconds: int = Field(default=10, ge=2)
    """How often MLflow's aliases are looked up."""

    @model_validator(mode="after")
    def _default_runtime_exists(self) -> Platform:
        if self.default_runtime not in self.runtimes:
            known = ", ".join(sorted(self.runtimes))
            raise ValueError(
                f"default_runtime {self.default_runtime!r} is not among runtimes: {known}"
            )
        return self

    def runtime(self, name: str | None) -> RuntimeImage | None:
        """The named runtime (the default one for None); None when there is no such runtime."""
        return self.runtimes.get(name or self.default_runtime)
