"""kubectl, as the demo uses it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.cluster.tools import find, run
from tests.cluster.trouble import Trouble


class Commands:
    """kubectl on one cluster and in one namespace."""

    def __init__(self, environment: Mapping[str, str], namespace: str) -> None:
        self._environment = {**os.environ, **environment}
        self._namespace = namespace

    def __call__(self, *words: str | Path, why: str, text: str | None = None) -> str:
        kubectl = (find("kubectl", self._environment), "--namespace", self._namespace)
        return run(*kubectl, *words, why=why, text=text, environment=self._environment)

    def ensure_namespace(self) -> None:
        """As strict as Kubernetes knows: what the platform makes must pass it."""
        manifest = (
            f'{{"apiVersion": "v1", "kind": "Namespace", "metadata": {{"name": "{self._namespace}", '
            '"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}'
        )
        self("apply", "-f", "-", why=f"Making the namespace {self._namespace}", text=manifest)

    def apply_folder(self, folder: Path, project: str) -> str:
        """What a user does; returns the generation of the project that came of it."""
        self("apply", "-k", folder, why="Applying the example")
        generation = ("get", "project", project, "-o", "jsonpath={.metadata.generation}")
        return self(*generation, why="Reading the project")

    @contextlib.contextmanager
    def stream(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A kubectl that goes on until it is left, read line by line."""
        command = (find("kubectl", self._environment), "--namespace", self._namespace, *words)
        with subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    @contextlib.contextmanager
    def forwarded(self, service: str, port: int) -> Iterator[str]:
        """The address on loopback of a Service's port, while it is open; kubectl says which in its first line."""
        with self.stream(
            "port-forward", f"service/{service}", f":{port}", "--address=127.0.0.1"
        ) as process:
            line = process.stdout.readline() if process.stdout else ""
            if "127.0.0.1:" not in line:
                raise Trouble(
                    f"kubectl port-forward to service {service} said: {line.strip() or 'nothing'}."
                )
            yield "http://" + line.split()[2]
