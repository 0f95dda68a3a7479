"""The way to an endpoint from outside of the cluster, and its address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from soloist.api.conditions import Reason, parse_time
from soloist.api.v1alpha1.access import Expose, HttpRoute, Ingress, ParentRef
from soloist.core.effects import Problem
from soloist.core.objects import HTTP_ROUTE, INGRESS, KindRef, Manifest
from soloist.core.tally import sentence
from soloist.kinds.modelendpoint import names
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.kinds.modelendpoint.names import Endpoint

# A controller that serves the Gateway answers within a second or two.
PATIENCE_SECONDS = 10


def children(endpoint: Endpoint, facts: EndpointFacts) -> Iterator[tuple[KindRef, dict[str, Any]]]:
    """The Ingress or the HTTPRoute. Where the cluster has no Gateway API there is nothing to make, and `problem` says so."""
    expose = _expose(endpoint)
    if expose.ingress is not None:
        yield INGRESS, _ingress(endpoint, expose.ingress)
    if expose.http_route is not None and facts.route_problem is None:
        yield HTTP_ROUTE, _route(endpoint, expose.http_route)


def _expose(endpoint: Endpoint) -> Expose:
    return endpoint.spec.gateway.expose or Expose()


def _ingress(endpoint: Endpoint, said: Ingress) -> dict[str, Any]:
    port = names.port(endpoint).name
    service = {"name": names.service(endpoint), "port": {"name": port}}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": service}}
    spec: dict[str, Any] = {"rules": [{"host": said.host, "http": {"paths": [path]}}]}
    if said.class_name is not None:
        spec["ingressClassName"] = said.class_name
    if said.tls_secret_name is not None:
        spec["tls"] = [{"hosts": [said.host], "secretName": said.tls_secret_name}]
    meta: dict[str, Any] = {"name": endpoint.name, "namespace": endpoint.namespace}
    if said.annotations:
        meta["annotations"] = dict(said.annotations)
    return {
        "apiVersion": INGRESS.api_version,
        "kind": INGRESS.kind,
        "metadata": meta,
        "spec": spec,
    }


def _route(endpoint: Endpoint, said: HttpRoute) -> dict[str, Any]:
    backend = {"name": names.service(endpoint), "port": names.port(endpoint).number}
    everything = {"path": {"type": "PathPrefix", "value": "/"}}
    return {
        "apiVersion": HTTP_ROUTE.api_version,
        "kind": HTTP_ROUTE.kind,
        "metadata": {"name": endpoint.name, "namespace": endpoint.namespace},
        "spec": {
            "parentRefs": [said.parent_ref.manifest()],
            "hostnames": list(said.hostnames),
            "rules": [{"matches": [everything], "backendRefs": [backend]}],
        },
    }


def url(endpoint: Endpoint, facts: EndpointFacts) -> str:
    """The address outside where there is one, else the one inside, which always holds."""
    ingress, route = _expose(endpoint).ingress, _expose(endpoint).http_route
    if ingress is not None and facts.ingress is not None:
        scheme = "https" if ingress.tls_secret_name is not None else "http"
        return f"{scheme}://{ingress.host}{names.PATH}"
    if route is not None and facts.route is not None and _is_taken(facts.route, route.parent_ref):
        return f"{route.scheme}://{route.hostnames[0]}{names.PATH}"
    return names.url(endpoint)


def problem(endpoint: Endpoint, facts: EndpointFacts) -> Problem | None:
    """What keeps clients outside from reaching it, if something does. An Ingress tells nothing of the kind."""
    said = _expose(endpoint).http_route
    if said is None:
        return None
    if facts.route_problem is not None:
        return facts.route_problem
    if facts.route is None:
        return None
    parent = said.parent_ref
    gateway = f"Gateway {parent.name} in namespace {parent.namespace or endpoint.namespace}"
    for kind in ("Accepted", "ResolvedRefs"):
        against = _verdict(facts.route, parent, kind, "False")
        if against is not None:
            return Problem(
                Reason.NOT_EXPOSED,
                f"{gateway} does not take the HTTPRoute {endpoint.name}: {sentence(against)} Correct"
                " spec.gateway.expose.httpRoute, or ask the administrator of the Gateway.",
            )
    if not _is_taken(facts.route, parent) and _is_old(facts.route, facts):
        return Problem(
            Reason.NOT_EXPOSED,
            f"{gateway} does not answer to the HTTPRoute {endpoint.name}. See whether it is there: kubectl get gateways"
            f" --namespace {parent.namespace or endpoint.namespace}; correct spec.gateway.expose.httpRoute.parentRef, or ask"
            " its administrator.",
        )
    return None


def _verdict(route: Manifest, parent: ParentRef, kind: str, status: str) -> str | None:
    """What the Gateway said of the route, where it said this; an empty text is an answer too."""
    for one in _said_by(parent, route):
        if (one["type"], one["status"]) == (kind, status):
            return str(one.get("message") or one.get("reason") or "")
    return None


def _said_by(parent: ParentRef, route: Manifest) -> Iterator[dict[str, Any]]:
    """The Gateway's words of the route as it is now. Those of one that was named before it stay, as do its own of an earlier route
    until it comes to look again."""
    home, generation = route["metadata"]["namespace"], route["metadata"].get("generation", 0)
    wanted = (parent.name, parent.namespace or home, parent.section_name)
    for answer in (route.get("status") or {}).get("parents") or ():
        ref = answer["parentRef"]
        if (ref["name"], ref.get("namespace", home), ref.get("sectionName")) != wanted:
            continue
        for one in answer.get("conditions") or ():
            if one.get("observedGeneration", generation) >= generation:
                yield one


def _is_taken(route: Manifest, parent: ParentRef) -> bool:
    return _verdict(route, parent, "Accepted", "True") is not None


def _is_old(route: Manifest, facts: EndpointFacts) -> bool:
    made = parse_time(route["metadata"]["creationTimestamp"])
    return (facts.now - made).total_seconds() >= PATIENCE_SECONDS
