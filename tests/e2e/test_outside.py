"""An endpoint seen from outside: through a real controller of Ingresses and of the Gateway API, which comes late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.cluster import outside
from tests.cluster.choice import choose
from tests.e2e.eventually import eventually
from tests.e2e.kubectl import Manifest
from tests.e2e.load import start_load
from tests.e2e.manifests import endpoint, tls_secret
from tests.e2e.outside import CLASS, GATEWAY, NAMESPACE, Outside
from tests.e2e.patients import PATIENT
from tests.e2e.room import Room, condition
from tests.e2e.world import World
from tests.gateway.certificates import certificate

# Alone: no other story may meet the Gateway API, and one expects that it is missing.
pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]

NAME = "clinic"
HTTP = {"name": "http", "protocol": "HTTP", "port": 80, "hostname": "*.example.com"}
SOON = 15


@pytest.fixture(scope="module")
def gateway_api(world: World) -> Iterator[Outside]:
    """Not there yet; whatever of it was brought is gone afterwards."""
    cluster = choose()
    if cluster.name == "named":
        pytest.skip(
            "a cluster of yours has a Gateway API of its own, or none: this story would remove it"
        )
    found = Outside(cluster, world, outside.ensure_built())
    try:
        yield found
    finally:
        found.remove()


@pytest.fixture(scope="module")
def clinic(world: World, shared_room: Room) -> Room:
    """Version 1 is served, by a gateway of two pods."""
    world.mlflow.log_models(model(shared_room), "careful")
    world.mlflow.set_alias(model(shared_room), "candidate", "1")
    apply(shared_room)
    shared_room.until_answered(NAME, PATIENT, within=120)
    shared_room.apply(tls_secret("own", certificate(8)))
    return shared_room


@pytest.fixture(scope="module")
def trusted(clinic: Room) -> str:
    """The certificate of the host, in the Secret `outside`: what a client from outside trusts."""
    files = certificate(7, host(clinic))
    clinic.apply(tls_secret("outside", files))
    return files["tls.crt"]


@pytest.fixture(scope="module")
def controller(gateway_api: Outside) -> Outside:
    """Contour, ready; no Gateway yet."""
    gateway_api.bring_gateway_api()
    gateway_api.bring_controller()
    return gateway_api


def model(room: Room) -> str:
    return f"{room.namespace}.{NAME}"


def host(room: Room) -> str:
    """Its own, as a host is in one namespace only: the one whose Ingress came first has it."""
    return f"{room.namespace}.example.com"


def apply(room: Room, **gateway: Any) -> None:
    room.apply(endpoint(NAME, model(room), gateway={"replicas": 2, **gateway}))


def by_ingress(room: Room) -> dict[str, Any]:
    said = {"host": host(room), "className": CLASS, "tlsSecretName": "outside"}
    return {"expose": {"ingress": said}}


def by_route(hostname: str, gateway: str = GATEWAY) -> dict[str, Any]:
    parent = {"name": gateway, "namespace": NAMESPACE}
    said = {"hostnames": [hostname], "parentRef": parent, "scheme": "http"}
    return {"expose": {"httpRoute": said}}


def until_url(room: Room, url: str) -> None:
    room.until(
        "modelendpoints", NAME, lambda seen: seen.get("url") == url, within=SOON, what=f"to show {url}"
    )  # fmt: skip


def until_said(room: Room, sentence: str) -> None:
    """Why there is no way from outside; the address is the one inside then."""

    def is_so(seen: Manifest) -> bool:
        ready = condition(seen, "Ready")
        return ready["reason"] == "NotExposed" and sentence in ready["message"]

    status = room.until("modelendpoints", NAME, is_so, within=2 * SOON, what=f"to say {sentence}")
    assert status["url"] == f"http://{NAME}.{room.namespace}.svc/invocations"


def until_in(controller: Outside, room: Room, port: int, trusted: str = "") -> httpx.Response:
    """The first good prediction from outside."""
    with controller.door(port) as door:

        def look() -> httpx.Response:
            answer = door.post(host(room), "/invocations", PATIENT, trusted)
            assert answer.status_code == 200, f"{answer.status_code} {answer.text[:200]}"
            return answer

        return eventually(look, within=30, what=f"a prediction from outside by port {port}")


def lives(world: World) -> set[tuple[str, int]]:
    """The operator's processes: its pods, and how often each began anew."""
    return {
        (pod["metadata"]["name"], pod["status"]["containerStatuses"][0]["restartCount"])
        for pod in world.operator_pods()
    }


def test_a_gateway_api_that_comes_later_is_taken_up(
    world: World, gateway_api: Outside, clinic: Room
) -> None:
    before = lives(world)
    apply(clinic, **by_route(host(clinic)))
    said = clinic.until_reason("modelendpoints", NAME, "GatewayApiMissing", within=SOON)
    assert said["status"] == "True", "it serves all the same"

    # When an administrator installs the kinds, then the operator that runs already makes its route
    gateway_api.bring_gateway_api()
    eventually(
        lambda: clinic.get("httproutes", NAME) is not None, within=SOON, what="the HTTPRoute"
    )
    assert lives(world) == before


def test_an_ingress_brings_predictions_over_tls(
    controller: Outside, clinic: Room, trusted: str
) -> None:
    apply(clinic, **by_ingress(clinic))
    until_url(clinic, f"https://{host(clinic)}/invocations")
    shown = clinic.kubectl("get", "modelendpoints", NAME, "-n", clinic.namespace, "-o", "wide")
    assert f"https://{host(clinic)}/invocations" in shown
    answer = until_in(controller, clinic, 443, trusted)
    assert answer.headers["x-soloist-version"] == "1"
    assert clinic.get("httproutes", NAME) is None


def test_a_route_says_what_is_missing_until_a_gateway_takes_it(
    controller: Outside, clinic: Room
) -> None:
    # When no Gateway is there, then status says so
    apply(clinic, **by_route(host(clinic)))
    until_said(
        clinic,
        f"Gateway {GATEWAY} in namespace {NAMESPACE} does not answer to the HTTPRoute clinic",
    )

    # When it comes, then the address outside is shown, and leads to the model
    controller.bring_gateway(HTTP)
    until_url(clinic, f"http://{host(clinic)}/invocations")
    assert until_in(controller, clinic, 80).headers["x-soloist-version"] == "1"
    ready = clinic.until_reason("modelendpoints", NAME, "Ready", within=SOON)
    assert "Gateway" not in ready["message"]

    # When a host is asked for that the listener doesn't admit, then its refusal is passed on, until it is corrected
    apply(clinic, **by_route("clinic.example.org"))
    until_said(
        clinic,
        f"Gateway {GATEWAY} in namespace {NAMESPACE} does not take the HTTPRoute clinic: No intersecting hostnames",
    )
    apply(clinic, **by_route(host(clinic)))
    until_url(clinic, f"http://{host(clinic)}/invocations")

    # When another Gateway is named, which isn't there, then the first one's consent counts no more
    apply(clinic, **by_route(host(clinic), "nobody"))
    until_said(
        clinic, f"Gateway nobody in namespace {NAMESPACE} does not answer to the HTTPRoute clinic"
    )


def test_no_request_from_outside_fails_while_a_pod_of_the_gateway_goes(
    world: World, controller: Outside, clinic: Room
) -> None:
    apply(clinic, **by_route(host(clinic)))
    until_url(clinic, f"http://{host(clinic)}/invocations")
    until_in(controller, clinic, 80)
    load = start_load(
        clinic, NAME, PATIENT, image=world.runtime_image, at_most=60,
        host=host(clinic), through=f"envoy.{NAMESPACE}.svc.cluster.local",
    )  # fmt: skip
    chosen = f"soloist.dev/name={NAME},app.kubernetes.io/component=gateway"
    pod = clinic.all("pods", chosen)[0]["metadata"]["name"]
    clinic.kubectl("delete", "pod", pod, "-n", clinic.namespace)
    outcome = load.outcome_soon()
    assert outcome.failures == []
    assert outcome.versions == {"1": outcome.sent}


def test_the_endpoints_own_certificate_stands_behind_either_way(
    world: World, controller: Outside, clinic: Room, trusted: str
) -> None:
    # Given gateways that speak nothing but TLS
    own = {"tls": {"secretName": "own"}}
    apply(clinic, **by_route(host(clinic)), **own)
    eventually(lambda: listens(clinic) == 443, within=SOON, what="the Service to speak TLS")
    rolled = ("rollout", "status", f"deployment/{NAME}-gateway", "-n", clinic.namespace)
    clinic.kubectl(*rolled, within=120)

    # Then a route and an Ingress lead to them all the same
    until_url(clinic, f"http://{host(clinic)}/invocations")
    until_in(controller, clinic, 80)
    https = {"name": "https", "protocol": "HTTPS", "port": 443, "hostname": "*.example.com"}
    controller.kubectl.apply(tls_secret("public", certificate(9)), namespace=NAMESPACE)
    controller.bring_gateway(HTTP, {**https, "tls": {"certificateRefs": [{"name": "public"}]}})
    apply(clinic, **by_ingress(clinic), **own)
    until_url(clinic, f"https://{host(clinic)}/invocations")
    until_in(controller, clinic, 443, trusted)


def listens(room: Room) -> int:
    found = room.get("services", NAME)
    assert found is not None
    return int(found["spec"]["ports"][0]["port"])


def test_a_gateway_api_that_goes_leaves_nobody_deaf(gateway_api: Outside, clinic: Room) -> None:
    """A process that doesn't outlive the loss of a kind ends, and the next one takes over."""
    apply(clinic, **by_route(host(clinic)))
    eventually(
        lambda: clinic.get("httproutes", NAME) is not None, within=SOON, what="the HTTPRoute"
    )
    gateway_api.remove()
    clinic.until_reason("modelendpoints", NAME, "GatewayApiMissing", within=4 * SOON)
    clinic.apply(endpoint("annex", f"{model(clinic)}-annex"))
    clinic.until_reason("modelendpoints", "annex", "NoModel", within=4 * SOON)
