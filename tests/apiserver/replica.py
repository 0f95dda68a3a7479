"""An operator as a process of its own, as its pod would run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import yaml

from tests.cluster.apiserver import ControlPlane
from tests.cluster.ports import free_ports

CHECKOUT = Path(__file__).resolve().parents[2]


class Replica:
    """`python -m soloist run` against a control plane."""

    def __init__(self, plane: ControlPlane, folder: Path, name: str, mlflow: str) -> None:
        (self.port,) = free_ports(1)
        self.name = name
        self.log = folder / f"{name}.log"
        config = folder / f"{name}.yaml"
        runtimes = {"default": {"image": "example/runtime:1"}}
        config.write_text(yaml.safe_dump({"mlflow": {"trackingUri": mlflow}, "runtimes": runtimes}))
        environment = {
            **os.environ,
            "KUBECONFIG": str(plane.kubeconfig_path),
            "POD_NAME": name,
            "POD_NAMESPACE": "soloist-system",
            "PYTHONPATH": str(CHECKOUT / "operator"),
            "SOLOIST_CONFIG": str(config),
            "SOLOIST_PORT": str(self.port),
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "soloist", "run"], env=environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """As the kernel does: no goodbye."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As the kubelet does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def page(self, path: str) -> str:
        """What one of its own endpoints answers; empty while it does not."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/{path}", timeout=5
            ) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            return ""

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = self.page("metrics").splitlines()
        mine = (line for line in lines if line.split("{")[0].split(" ")[0] == name)
        return sum(float(line.rpartition(" ")[2]) for line in mine)

    @property
    def leads(self) -> bool:
        return self.metric("soloist_leader") == 1

    @property
    def memory_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
