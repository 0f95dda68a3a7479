"""The look at a user's files before Envoy starts, run by the real bash."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from soloist.api.parse import Invalid, parse
from soloist.api.platform import Platform
from soloist.api.resources import MODEL_ENDPOINT
from soloist.kinds.modelendpoint import access
from soloist.kinds.modelendpoint.names import Endpoint

PLATFORM = Platform.model_validate({"runtimes": {"default": {"image": "runtime:1"}}})
GATEWAY = {
    "tls": {"secretName": "door"},
    "auth": {"jwt": {"issuer": "https://id.example.com", "configMapName": "id-keys"}},
}


def endpoint() -> Endpoint:
    body = {
        "apiVersion": "soloist.dev/v1alpha1",
        "kind": "ModelEndpoint",
        "metadata": {"name": "delays", "namespace": "demo", "uid": "u", "generation": 1},
        "spec": {"model": "demo.delays", "gateway": GATEWAY},
    }
    found = parse(body, MODEL_ENDPOINT.spec, MODEL_ENDPOINT.status)
    assert not isinstance(found, Invalid), found.message
    return found


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    """The container's command, with its mounts in `folder`."""
    (container,) = access.init_containers(endpoint(), PLATFORM)
    command = [part.replace("/etc/soloist", str(folder)) for part in container["command"]]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    for file in ("jwks/jwks.json", "tls/tls.crt", "tls/tls.key"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("x")
    return tmp_path


def test_when_all_is_there_it_says_nothing(mounted: Path) -> None:
    done = check(mounted)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_file_that_is_missing_is_named_with_the_command_that_makes_it(mounted: Path) -> None:
    (mounted / "jwks/jwks.json").unlink()
    done = check(mounted)
    assert done.returncode == 1
    assert done.stdout == (
        "ConfigMap id-keys of spec.gateway.auth.jwt.configMapName has no jwks.json, or an empty one. Make it anew:"
        " kubectl create configmap id-keys --from-file=jwks.json.\n"
    )


def test_an_empty_file_is_as_good_as_none(mounted: Path) -> None:
    (mounted / "tls/tls.key").write_text("")
    done = check(mounted)
    assert done.returncode == 1
    assert "Secret door of spec.gateway.tls.secretName has no tls.key" in done.stdout


def test_what_is_there_is_asked_for_by_name_only() -> None:
    reads = [one.read(endpoint()) for one in access.given(endpoint())]
    assert [(one.kind.kind, one.name) for one in reads] == [
        ("ConfigMap", "id-keys"),
        ("Secret", "door"),
    ]
