"""Names and labels of everything a ModelEndpoint makes."""

from __future__ import annotations

from typing import NamedTuple

from soloist.api.parse import Resource
from soloist.api.platform import Platform
from soloist.api.v1alpha1.modelendpoint import (
    ModelEndpointSpec,
    ModelEndpointStatus,
    PinnedVersion,
)
from soloist.core.objects import OWNER_KIND, OWNER_NAME, OWNER_UID, digest, owner_labels, shorten
from soloist.kinds import podenv

Endpoint = Resource[ModelEndpointSpec, ModelEndpointStatus]

KIND = "ModelEndpoint"
VERSION_LABEL = "soloist.dev/version"
PART_LABEL = "app.kubernetes.io/component"
SERVER, GATEWAY, BASELINE = "server", "gateway", "baseline"
# What stands for a version where a baseline that is no model answers.
CONSTANT = "constant"
SERVER_CONTAINER = "server"
SERVER_PORT = 8080
PATH = "/invocations"
# The gateway's waiting room tells here how many requests it holds (`soloist_workloads.waiting_room`).
HELD_PORT, HELD_PATH = 9903, "/held"


def service(endpoint: Endpoint) -> str:
    """What clients talk to: the gateway."""
    return endpoint.name


class Port(NamedTuple):
    """Where the Service listens; its name is the scheme."""

    name: str
    number: int


def port(endpoint: Endpoint) -> Port:
    """One port and not two: who asked for TLS doesn't want it left out by mistake."""
    return Port("https", 443) if endpoint.spec.gateway.tls is not None else Port("http", 80)


def url(endpoint: Endpoint) -> str:
    """Address for predictions inside the cluster."""
    return f"{port(endpoint).name}://{service(endpoint)}.{endpoint.namespace}.svc{PATH}"


def deployment(endpoint: Endpoint, version: str) -> str:
    """The pods of one version, and the headless Service that lists them for the gateway."""
    return shorten(f"{endpoint.name}-v{version}", 57)


def host(endpoint: Endpoint, version: str, platform: Platform) -> str:
    """The headless Service's whole name: with the dot at its end a resolver asks once, not once per search domain."""
    name = deployment(endpoint, version)
    return f"{name}.{endpoint.namespace}.svc.{platform.cluster_domain}."


def peers(endpoint: Endpoint, platform: Platform) -> str:
    """Where any version answers, a star for the version. Names too long to hold one match nothing: such versions are
    not compared."""
    return f"{endpoint.name}-v*.{endpoint.namespace}.svc.{platform.cluster_domain}.:{SERVER_PORT}"


def gateway_url(endpoint: Endpoint, platform: Platform) -> str:
    """Where clients ask, by its whole name."""
    scheme, number = port(endpoint)
    return f"{scheme}://{service(endpoint)}.{endpoint.namespace}.svc.{platform.cluster_domain}.:{number}"


def champion(endpoint: Endpoint) -> str:
    """The champion's ready pods behind one address that stays, for those who wait for the first of them."""
    return f"{endpoint.name}-champion"


def gateway(endpoint: Endpoint) -> str:
    """The gateway's Deployment, its files and its budget."""
    return f"{endpoint.name}-gateway"


def baseline(endpoint: Endpoint) -> str:
    """The pods of a baseline that is no model, and the headless Service that lists them for the gateway."""
    return f"{endpoint.name}-baseline"


def baseline_host(endpoint: Endpoint, platform: Platform) -> str:
    """That Service's whole name."""
    return f"{baseline(endpoint)}.{endpoint.namespace}.svc.{platform.cluster_domain}."


def baseline_selector(endpoint: Endpoint) -> dict[str, str]:
    """The pods of a baseline that is no model."""
    return {OWNER_KIND: KIND, OWNER_NAME: endpoint.name, PART_LABEL: BASELINE}


def claim(endpoint: Endpoint) -> str:
    """The volume that keeps the fetched models."""
    return f"{endpoint.name}-models"


def model_dir(pinned: PinnedVersion) -> str:
    """Where a version's files are: by its artifact too, since a registry that was made anew counts from 1 again."""
    return f"{podenv.MODELS_PATH}/{pinned.name}/{pinned.version}-{digest(pinned.artifact)[:8]}"


def labels(endpoint: Endpoint) -> dict[str, str]:
    """Labels of every child."""
    return owner_labels(KIND, endpoint.name, endpoint.metadata.uid)


def selector(endpoint: Endpoint, version: str | None = None) -> dict[str, str]:
    """The pods that serve: all, or those of one version."""
    chosen = {OWNER_KIND: KIND, OWNER_NAME: endpoint.name, PART_LABEL: SERVER}
    return chosen if version is None else {**chosen, VERSION_LABEL: version}


def gateway_selector(endpoint: Endpoint) -> dict[str, str]:
    """The gateway's pods."""
    return {OWNER_KIND: KIND, OWNER_NAME: endpoint.name, PART_LABEL: GATEWAY}


def by_owner(endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    """The selector that finds children again."""
    return ((OWNER_UID, endpoint.metadata.uid),)


def gateways_by_owner(endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    """The selector that finds the gateway's pods."""
    return (*by_owner(endpoint), (PART_LABEL, GATEWAY))


def servers_by_owner(endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    """The selector that finds the pods that serve, of all versions."""
    return (*by_owner(endpoint), (PART_LABEL, SERVER))


def image_of(pinned: PinnedVersion, platform: Platform, runtime: str | None) -> str | None:
    """The image that serves the version: pinned with it, else the runtime's."""
    known = platform.runtime(runtime)
    return pinned.image or (known.image if known is not None else None)
