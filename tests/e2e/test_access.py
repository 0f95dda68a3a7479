"""Who may ask an endpoint: keys, a certificate, a Secret that comes late, a way from outside that is not there yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.e2e.eventually import eventually
from tests.e2e.forward import Forward
from tests.e2e.manifests import endpoint, secret, tls_secret
from tests.e2e.patients import PATIENT
from tests.e2e.room import Room
from tests.e2e.world import World
from tests.gateway.certificates import certificate

pytestmark = pytest.mark.timeout(900)

NAME = "clinic"
SOON = 15
KEYS = {"auth": {"apiKeys": {"secretName": "clinic-keys"}}}
TLS = {"tls": {"secretName": "clinic-tls"}}


def model(room: Room) -> str:
    return f"{room.namespace}.{NAME}"


def apply(room: Room, **gateway: Any) -> None:
    room.apply(endpoint(NAME, model(room), gateway={"replicas": 1, **gateway}))


def registered(world: World, room: Room) -> None:
    world.mlflow.log_models(model(room), "careful")
    world.mlflow.set_alias(model(room), "candidate", "1")


@contextmanager
def door(room: Room, port: int) -> Iterator[Forward]:
    """The Service as pods of the cluster see it: the API server's own proxy would keep a credential to itself."""
    forward = Forward(room.kubectl, room.namespace, NAME, port)
    try:
        yield forward
    finally:
        forward.close()


def ask(forward: Forward, key: str = "") -> httpx.Response:
    headers = {"x-api-key": key} if key else {}
    return forward.request("POST", "/invocations", json=PATIENT, headers=headers)


def test_a_missing_secret_is_said_and_heals_and_its_keys_let_in(world: World, room: Room) -> None:
    # When an endpoint names a Secret that is not there
    registered(world, room)
    apply(room, **KEYS)

    # Then it says so, with the command that makes it
    said = room.until_reason("modelendpoints", NAME, "SecretMissing", within=SOON)
    assert "kubectl create secret generic clinic-keys" in said["message"]

    # When the Secret comes, then it serves, and answers those with a key
    room.apply(secret("clinic-keys", ward="key-of-ward", lab="key-of-lab"))
    room.until_ready("modelendpoints", NAME, within=240)
    with door(room, 80) as forward:
        eventually(lambda: ask(forward).status_code == 401, within=15, what="the door to be shut")
        assert ask(forward, "guess").status_code == 401
        assert ask(forward, "key-of-ward").status_code == 200

        # When a key changes, then the new one counts without a new pod, and the old one no more
        pods = gateways(room)
        room.apply(secret("clinic-keys", ward="key-of-ward", lab="another"))
        chosen = f"soloist.dev/name={NAME},app.kubernetes.io/component=gateway"
        room.kubectl("annotate", "-n", room.namespace, "pods", "-l", chosen, "keys=new")
        eventually(
            lambda: ask(forward, "another").status_code == 200, within=30, what="the new key"
        )
        assert ask(forward, "key-of-lab").status_code == 401
        assert gateways(room) == pods

    # Then the pods behind it are closed to others, by a policy
    policy = room.get("networkpolicies", NAME)
    assert policy is not None
    assert all("from" in rule for rule in policy["spec"]["ingress"])


def gateways(room: Room) -> set[str]:
    chosen = f"soloist.dev/name={NAME},app.kubernetes.io/component=gateway"
    return {one["metadata"]["uid"] for one in room.all("pods", chosen)}


def test_a_certificate_seals_the_way(world: World, room: Room) -> None:
    registered(world, room)
    room.apply(tls_secret("clinic-tls", certificate(1)))
    apply(room, **TLS)
    room.until_ready("modelendpoints", NAME, within=240)
    assert room.status("modelendpoints", NAME)["url"].startswith("https://")
    with door(room, 443) as forward:
        address = forward.address().replace("http://", "https://")
        answer = httpx.post(f"{address}/invocations", json=PATIENT, verify=False, timeout=30)
        assert answer.status_code == 200


def test_a_way_from_outside_comes_and_goes_and_stops_nothing(world: World, room: Room) -> None:
    registered(world, room)
    apply(room, expose={"ingress": {"host": "clinic.example.com", "tlsSecretName": "outside"}})
    room.until(
        "modelendpoints", NAME, lambda seen: seen.get("url") == "https://clinic.example.com/invocations",
        within=SOON, what="to show the address outside",
    )  # fmt: skip
    ingress = room.get("ingresses", NAME)
    assert ingress is not None
    assert ingress["spec"]["rules"][0]["host"] == "clinic.example.com"

    # When the Gateway API is asked for and isn't installed, then it says so and serves all the same
    route = {"hostnames": ["clinic.example.com"], "parentRef": {"name": "public"}}
    apply(room, expose={"httpRoute": route})
    eventually(lambda: room.get("ingresses", NAME) is None, within=SOON, what="the Ingress to go")
    room.until_ready("modelendpoints", NAME, within=240)
    said = room.until_reason("modelendpoints", NAME, "GatewayApiMissing", within=SOON)
    assert said["status"] == "True"
    assert "spec.gateway.expose.ingress" in said["message"]
    room.until_answered(NAME, PATIENT, within=60)
