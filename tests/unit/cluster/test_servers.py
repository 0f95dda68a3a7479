"""The servers' command lines: what must hold for each of them."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.cluster import servers
from tests.cluster.apiserver import parse_request
from tests.cluster.layout import GO, MANIFESTS, State
from tests.cluster.node import kubelet_configuration
from tests.cluster.pki import NODE_ADDRESS, identities
from tests.cluster.processes import Server
from tests.cluster.servers import Plan

PLAN = Plan(State(Path("/state")), Path("/bin"), Path("/pki"), NODE_ADDRESS, 6443, 12379, 12380)
ALL = (
    servers.etcd(PLAN),
    servers.node_apiserver(PLAN),
    servers.controller_manager(PLAN),
    servers.scheduler(PLAN),
    servers.kubelet(PLAN, "node"),
    servers.proxy(PLAN, "node"),
    servers.metrics(PLAN),
    servers.registry(PLAN.state, 5000),
)


def test_every_server_listens_on_loopback_or_the_clusters_own_bridge() -> None:
    hosts = {host for server in ALL for host, _ in server.ports}
    assert hosts == {"127.0.0.1", NODE_ADDRESS}
    assert not any("0.0.0.0" in word for server in ALL for word in server.command)
    assert kubelet_configuration(PLAN)["address"] == NODE_ADDRESS


def test_no_two_servers_want_the_same_port() -> None:
    ports = [port for server in ALL for port in server.ports]
    assert len(set(ports)) == len(ports)


def test_admission_checks_pods_as_a_cluster_of_ones_own_would() -> None:
    command = servers.node_apiserver(PLAN).command
    assert "--authorization-mode=Node,RBAC" in command
    assert not any(word.startswith("--disable-admission-plugins") for word in command)


def test_the_metrics_server_is_where_the_api_server_looks_for_it_and_knows_its_name() -> None:
    manifests = list(yaml.safe_load_all((MANIFESTS / "metrics.yaml").read_text()))
    found = next(one for one in manifests if one["kind"] == "EndpointSlice")
    (address,) = found["endpoints"][0]["addresses"]
    assert ((address, found["ports"][0]["port"]),) == servers.metrics(PLAN).ports
    by_file = {one.file: one.user for one in identities("node")}
    command = servers.node_apiserver(PLAN).command
    assert "--proxy-client-cert-file=/pki/front-proxy.crt" in command
    assert f"--requestheader-allowed-names={by_file['front-proxy']}" in command
    assert f'proxy = "{by_file["front-proxy"]}"' in (GO / "metrics" / "main.go").read_text()


def test_a_changed_command_has_another_mark() -> None:
    assert Server("a", ("x",)).mark != Server("a", ("y",)).mark
    assert Server("a", ("x",)).mark == Server("a", ("x",)).mark


def test_a_line_of_the_audit_log_becomes_a_request() -> None:
    line = {
        "verb": "patch",
        "user": {"username": "admin"},
        "objectRef": {"resource": "runs", "subresource": "status", "namespace": "n", "name": "r"},
        "responseStatus": {"code": 200},
        "requestObject": {"status": {}},
    }
    request = parse_request(json.loads(json.dumps(line)))
    assert (request.verb, request.resource, request.subresource) == ("patch", "runs", "status")
    assert (request.namespace, request.name, request.code) == ("n", "r", 200)
    assert request.body == {"status": {}}


def test_a_request_about_no_object_is_read_too() -> None:
    request = parse_request({"verb": "get", "user": {}})
    assert (request.resource, request.name, request.code) == ("", "", 0)
