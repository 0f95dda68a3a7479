"""What a gateway's pods need of the user's to know who may ask and to speak TLS: Secrets that are mounted, and never read here."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from soloist.api.conditions import Reason
from soloist.api.platform import Platform
from soloist.api.v1alpha1.gateway import Gateway
from soloist.core.effects import IsThere, Problem
from soloist.core.objects import CONFIG_MAP, SECRET, KindRef
from soloist.gateway.filters import JWKS_FILE
from soloist.gateway.key_script import is_rendered, key_script
from soloist.gateway.plan import ApiKeys, Jwt, Tls
from soloist.kinds.modelendpoint.names import Endpoint
from soloist.kinds.pods import container_security, resources

_FOLDER = "/etc/soloist"
GIVEN_KEYS, KEYS, JWKS, TLS = (f"{_FOLDER}/{name}" for name in ("given", "keys", "jwks", "tls"))
CPU, MEMORY = "10m", "32Mi"


@dataclass(frozen=True, slots=True)
class Given:
    """An object of the user's that the gateway's pods mount: without it none of them starts."""

    kind: KindRef
    name: str
    volume: str
    folder: str
    field: str
    """The field of the spec that names it."""
    how: str
    """The command that makes it."""
    files: tuple[str, ...] = ()
    """What must be in it."""

    def read(self, endpoint: Endpoint) -> IsThere:
        return IsThere(self.kind, endpoint.namespace, self.name)


def given(endpoint: Endpoint) -> tuple[Given, ...]:
    """What the spec names, in the order in which it is told missing."""
    return tuple(_given(endpoint.spec.gateway))


def _given(gateway: Gateway) -> Iterator[Given]:
    auth, tls = gateway.auth, gateway.tls
    field = "spec.gateway.auth.apiKeys.secretName"
    if auth is not None and auth.api_keys is not None:
        name = auth.api_keys.secret_name
        how = f"kubectl create secret generic {name} --from-literal=<client>=<key>"
        yield Given(SECRET, name, "given", GIVEN_KEYS, field, how)
    if auth is not None and auth.jwt is not None:
        secret, config_map = auth.jwt.secret_name, auth.jwt.config_map_name
        kind, name = (SECRET, secret) if secret is not None else (CONFIG_MAP, config_map or "")
        make, field = ("secret generic", "secretName") if secret else ("configmap", "configMapName")
        how = f"kubectl create {make} {name} --from-file={JWKS_FILE}"
        yield Given(kind, name, "jwks", JWKS, f"spec.gateway.auth.jwt.{field}", how, (JWKS_FILE,))
    if tls is not None:
        how = f"kubectl create secret tls {tls.secret_name} --cert=<file> --key=<file>"
        files = ("tls.crt", "tls.key")
        yield Given(SECRET, tls.secret_name, "tls", TLS, "spec.gateway.tls.secretName", how, files)


def is_guarded(endpoint: Endpoint) -> bool:
    """Whether it matters that nobody goes around the gateway."""
    return endpoint.spec.gateway.auth is not None


def api_keys(gateway: Gateway) -> ApiKeys | None:
    """The plan's part."""
    return ApiKeys(KEYS) if gateway.auth is not None and gateway.auth.api_keys else None


def jwt(gateway: Gateway) -> Jwt | None:
    """The plan's part."""
    said = gateway.auth.jwt if gateway.auth is not None else None
    return Jwt(said.issuer, tuple(said.audiences), JWKS) if said is not None else None


def tls(gateway: Gateway) -> Tls | None:
    """The plan's part."""
    return Tls(TLS) if gateway.tls is not None else None


def missing(endpoint: Endpoint, absent: tuple[Given, ...]) -> Problem | None:
    """The first thing that the pods wait for, and how to make it."""
    if not absent:
        return None
    first = absent[0]
    reason = Reason.SECRET_MISSING if first.kind == SECRET else Reason.CONFIG_MAP_MISSING
    return Problem(
        reason,
        f"{first.kind.kind} {first.name} does not exist in namespace {endpoint.namespace}, so no new pod of the gateway"
        f" starts. Create it ({first.how} --namespace {endpoint.namespace}), or correct {first.field}.",
    )


def volumes(endpoint: Endpoint) -> list[dict[str, Any]]:
    """What is mounted, and where the keys are rendered: in memory, so that they lie on no disk."""
    made = [_volume(one) for one in given(endpoint)]
    if api_keys(endpoint.spec.gateway):
        made.append({"name": "keys", "emptyDir": {"medium": "Memory", "sizeLimit": "4Mi"}})
    return made


def _volume(one: Given) -> dict[str, Any]:
    if one.kind == SECRET:
        return {"name": one.volume, "secret": {"secretName": one.name}}
    return {"name": one.volume, "configMap": {"name": one.name}}


def mounts(endpoint: Endpoint) -> list[dict[str, Any]]:
    """What Envoy sees of it: of the keys the rendered file only."""
    seen = [(one.volume, one.folder) for one in given(endpoint) if one.folder != GIVEN_KEYS]
    if api_keys(endpoint.spec.gateway):
        seen.append(("keys", KEYS))
    return [{"name": name, "mountPath": path, "readOnly": True} for name, path in seen]


def init_containers(endpoint: Endpoint, platform: Platform) -> list[dict[str, Any]]:
    """Before Envoy: a look whether the files are there, since Envoy would wait for them in silence; and the keys' scribe,
    which stays."""
    base = {
        "image": platform.gateway_image,
        "imagePullPolicy": platform.image_pull_policy,
        "securityContext": container_security(),
        "resources": resources(CPU, MEMORY),
    }
    checked = [one for one in given(endpoint) if one.files]
    made = [_check(checked, base)] if checked else []
    return [*made, _scribe(base)] if api_keys(endpoint.spec.gateway) else made


def _check(checked: list[Given], base: dict[str, Any]) -> dict[str, Any]:
    lines = [_line(one, file) for one in checked for file in one.files]
    return {
        "name": "check",
        **base,
        "command": ["bash", "-c", "\n".join(lines)],
        # What it says last is what the endpoint's status says.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": one.volume, "mountPath": one.folder, "readOnly": True} for one in checked
        ],
    }


def _line(one: Given, file: str) -> str:
    said = f"{one.kind.kind} {one.name} of {one.field} has no {file}, or an empty one. Make it anew: {one.how}."
    return f"[[ -s {one.folder}/{file} ]] || {{ echo {shlex.quote(said)}; exit 1; }}"


def _scribe(base: dict[str, Any]) -> dict[str, Any]:
    """An init container that never ends: Envoy starts once the file is there, and it outlives Envoy."""
    return {
        "name": "keys",
        **base,
        "restartPolicy": "Always",
        "command": list(key_script(GIVEN_KEYS, KEYS)),
        "startupProbe": {
            "exec": {"command": list(is_rendered(KEYS))},
            "periodSeconds": 1,
            "failureThreshold": 60,
        },
        "volumeMounts": [
            {"name": "given", "mountPath": GIVEN_KEYS, "readOnly": True},
            {"name": "keys", "mountPath": KEYS},
        ],
    }
