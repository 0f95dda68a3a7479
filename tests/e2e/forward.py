"""A Service on loopback, for a server that looks at the name it is called by (the API server's own proxy changes it)."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e.kubectl import Kubectl


@dataclass(slots=True)
class Forward:
    """`kubectl port-forward`, begun anew when the pod behind it was replaced."""

    kubectl: Kubectl
    namespace: str
    service: str
    port: int
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)
    _address: str = ""

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request; a connection that leads nowhere any more is replaced once."""
        with contextlib.suppress(httpx.TransportError):
            return httpx.request(method, self._open() + path, timeout=30, **more)
        self.close()
        try:
            return httpx.request(method, self._open() + path, timeout=30, **more)
        except httpx.TransportError as error:
            raise AssertionError(f"service {self.service} does not answer: {error!r}") from error

    def address(self) -> str:
        """Where it is on loopback, for a program that is given an address."""
        return self._open()

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _open(self) -> str:
        if self._process is not None and self._process.poll() is None:
            return self._address
        target = (f"service/{self.service}", f":{self.port}", "--address=127.0.0.1")
        self._process = subprocess.Popen(
            [self.kubectl.binary, "port-forward", "-n", self.namespace, *target],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **self.kubectl.environment},
        )
        assert self._process.stdout is not None
        # It says: Forwarding from 127.0.0.1:34567 to 5000, with an arrow.
        said = self._process.stdout.readline().split()
        assert len(said) > 2, f"service {self.service} can't be forwarded: no pod is ready"
        self._address = f"http://{said[2]}"
        return self._address
