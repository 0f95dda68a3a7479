"""The page of a gateway's pod, as far as decisions read it."""

from __future__ import annotations

from collections.abc import Mapping

from soloist.gateway.clusters import version_cluster
from soloist.gateway.files import files, versions
from soloist.gateway.plan import GatewayPlan

NAMES = {
    "cds.json": "envoy_cluster_manager_cds_version_text",
    "lds.json": "envoy_listener_manager_lds_version_text",
    "rds.json": "envoy_http_rds_version_text",
}


def page(plan: GatewayPlan, healthy: Mapping[str, int]) -> str:
    """A gateway that follows the plan, and sees so many healthy pods of each version."""
    lines = ["envoy_server_uptime{} 60"]
    for file, version in versions(files(plan)).items():
        lines.append(f'{NAMES[file]}{{text_value="{version}"}} 0')
    for version, pods in healthy.items():
        cluster = version_cluster(version)
        lines.extend(
            f'envoy_cluster_membership_{name}{{envoy_cluster_name="{cluster}"}} {pods}'
            for name in ("total", "healthy")
        )
    return "\n".join(lines) + "\n"
