"""Who may ask an endpoint, by which address, and how the way there is sealed."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from soloist.api.fields import Label, Model, ObjectName
from soloist.api.forms import Form, Rule

HostName = Annotated[
    str,
    Field(max_length=253),
    Form(
        "the name of a host: write it in lower-case letters, digits, '-' and '.', without a scheme, a port, a path or a star,"
        " such as delays.example.com",
        (r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", r"^.*[a-z].*$"),
    ),
]
AnnotationName = Annotated[
    str,
    Field(max_length=317),
    Form(
        "the name of an annotation: write it as a prefix, '/' and a name, such as cert-manager.io/cluster-issuer",
        (r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",),
    ),
]
AnnotationText = Annotated[str, Field(max_length=4096)]
Audience = Annotated[str, Field(min_length=1, max_length=256)]


class ApiKeyAuth(Model):
    """Clients show a key that you gave them."""

    secret_name: ObjectName
    """Secret of this namespace in which each key is a client's name and its value that client's API key: `kubectl create secret
    generic shop-keys --from-literal=shop=<key>`. Letters, digits and signs, no spaces. Clients send it as `x-api-key`."""


class JwtAuth(Model):
    """Clients show a token that an issuer signed."""

    rules: ClassVar = (
        Rule(
            "has(self.secretName) != has(self.configMapName)",
            "jwt needs exactly one of secretName or configMapName, which holds the issuer's public keys as jwks.json: keep one and"
            " remove the other",
        ),
    )

    issuer: str = Field(min_length=1, max_length=512)
    """Who must have issued the token: its claim `iss`, for example `https://id.example.com`."""
    audiences: list[Audience] = Field(
        default_factory=list,
        max_length=20,
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    """Whom the token must be meant for: one of these must be in its claim `aud`. An empty list takes a token for anyone."""
    secret_name: ObjectName | None = None
    """Secret of this namespace with the issuer's public keys (a JSON Web Key Set) as `jwks.json`."""
    config_map_name: ObjectName | None = None
    """ConfigMap of this namespace with the same, since public keys are no secret."""


class Auth(Model):
    """Who may ask for predictions. Others are answered with 401."""

    rules: ClassVar = (
        Rule(
            "has(self.apiKeys) != has(self.jwt)",
            "auth needs exactly one of apiKeys or jwt: keep one and remove the other",
        ),
    )

    api_keys: ApiKeyAuth | None = None
    """Whoever shows one of your API keys."""
    jwt: JwtAuth | None = None
    """Whoever shows a signed token (JSON Web Token) as `Authorization: Bearer`."""


class GatewayTls(Model):
    """The certificate that the endpoint shows to its clients."""

    secret_name: ObjectName
    """Secret of this namespace with `tls.crt` and `tls.key`, as `kubectl create secret tls` and cert-manager make it. A renewed
    one is taken up without a restart."""


class Ingress(Model):
    """An Ingress that leads to the endpoint."""

    host: HostName
    """Name by which clients outside reach the endpoint, for example `delays.example.com`."""
    class_name: ObjectName | None = None
    """IngressClass of the controller that serves it. Without it the cluster's default one."""
    tls_secret_name: ObjectName | None = None
    """Secret of this namespace with the host's certificate, for the Ingress controller. Without it clients speak plain HTTP."""
    annotations: dict[AnnotationName, AnnotationText] = Field(default_factory=dict, max_length=20)
    """Annotations of the Ingress, by which its controller is told more."""


class ParentRef(Model):
    """A Gateway of the Gateway API."""

    name: ObjectName
    """Name of the Gateway."""
    namespace: Label | None = None
    """Its namespace. Without it the endpoint's own. A Gateway says itself from which namespaces it takes routes."""
    section_name: ObjectName | None = None
    """Name of one of its listeners. Without it all that fit."""


class HttpRoute(Model):
    """An HTTPRoute of the Gateway API that leads to the endpoint."""

    hostnames: list[HostName] = Field(
        min_length=1, max_length=16, json_schema_extra={"x-kubernetes-list-type": "atomic"}
    )
    """Names by which clients outside reach the endpoint. The first one is shown in status."""
    parent_ref: ParentRef
    """The Gateway that serves them; the administrator made it."""
    scheme: Literal["https", "http"] = "https"
    """What the Gateway's listener speaks, for the address in status: `https`, or `http`."""


class Expose(Model):
    """How clients outside of the cluster reach the endpoint."""

    rules: ClassVar = (
        Rule(
            "has(self.ingress) != has(self.httpRoute)",
            "expose needs exactly one of ingress or httpRoute: keep one and remove the other",
        ),
    )

    ingress: Ingress | None = None
    """By an Ingress."""
    http_route: HttpRoute | None = None
    """By an HTTPRoute, where the cluster has the Gateway API."""
