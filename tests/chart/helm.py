"""Helm as the tests use it, and the profiles of values that they use it with."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts" / "soloist"
NAMESPACE = "soloist-system"
KUBERNETES = "1.34.4"
SUFFIX = "-values.yaml"
PROFILES = tuple(
    sorted(path.name.removesuffix(SUFFIX) for path in (CHART / "ci").glob(f"*{SUFFIX}"))
)

Manifest = dict[str, Any]


class Refused(Exception):
    """Helm ended with an error; the text is what it said."""


def profile(name: str) -> Path:
    return CHART / "ci" / f"{name}{SUFFIX}"


@dataclass(frozen=True, slots=True)
class Helm:
    """The program, with a home of its own: the user's repositories and plugins play no part."""

    program: Path
    home: Path

    def run(self, *words: str, text: str | None = None) -> str:
        environment = {
            "PATH": "/usr/bin:/bin",
            "HELM_CACHE_HOME": f"{self.home}/cache",
            "HELM_CONFIG_HOME": f"{self.home}/config",
            "HELM_DATA_HOME": f"{self.home}/data",
        }
        command = [str(self.program), *words]
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, check=False, env=environment
        )
        if done.returncode != 0:
            raise Refused(done.stderr + done.stdout)
        return done.stdout

    def render(
        self, name: str = "default", values: Mapping[str, Any] | None = None, chart: Path = CHART
    ) -> list[Manifest]:
        """What `helm template` prints for a profile, with further values over it."""
        printed = self.run(
            *(
                "template",
                "soloist",
                str(chart),
                f"--namespace={NAMESPACE}",
                f"--kube-version={KUBERNETES}",
            ),
            *(f"--values={profile(name)}", "--values=-"),
            text=yaml.safe_dump(dict(values or {})),
        )
        return [manifest for manifest in yaml.safe_load_all(printed) if manifest]


@dataclass(frozen=True, slots=True)
class Release:
    """One release on an API server. Nothing runs there, so nothing is waited for."""

    helm: Helm
    kubeconfig: Path
    namespace: str
    name: str = "soloist"

    def upgrade(
        self, *flags: str, chart: Path = CHART, values: Mapping[str, Any] | None = None
    ) -> str:
        """Install or upgrade; returns what Helm says, the notes included."""
        words = ("upgrade", "--install", self.name, str(chart), "--values=-", *flags)
        return self._run(*words, text=yaml.safe_dump(dict(values or {})))

    def uninstall(self) -> str:
        return self._run("uninstall", self.name)

    def _run(self, *words: str, text: str | None = None) -> str:
        return self.helm.run(
            *words, f"--namespace={self.namespace}", f"--kubeconfig={self.kubeconfig}", text=text
        )


def pod_specs(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Every pod's spec by `Kind/name` of the object that makes it."""
    found = {}
    for manifest in manifests:
        spec = manifest.get("spec", {})
        pod = spec if manifest["kind"] == "Pod" else spec.get("template", {}).get("spec")
        if isinstance(pod, dict) and "containers" in pod:
            found[f"{manifest['kind']}/{manifest['metadata']['name']}"] = pod
    return found


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def only(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The one object of that kind and name."""
    found = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"] == name]
    assert len(found) == 1, (
        f"{len(found)} objects {kind}/{name} among {[(m['kind'], m['metadata']['name']) for m in manifests]}"
    )
    return found[0]
