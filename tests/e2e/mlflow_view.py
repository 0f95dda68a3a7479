"""What MLflow holds, asked of its own REST interface."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.eventually import eventually
from tests.e2e.forward import Forward

Answer = dict[str, Any]


API = "/api/2.0/mlflow"


@dataclass(frozen=True, slots=True)
class MLflowView:
    """The tracking server behind its Service."""

    server: Forward

    def _get(self, path: str, /, **asked: str) -> Answer:
        return self._answer(self.server.request("GET", f"{API}/{path}", params=asked))

    def _post(self, path: str, body: Answer) -> Answer:
        return self._answer(self.server.request("POST", f"{API}/{path}", json=body))

    @staticmethod
    def _answer(response: httpx.Response) -> Answer:
        assert response.is_success, f"MLflow: {response.status_code} {response.text[:300]}"
        found: Answer = response.json()
        return found

    def run(self, run_id: str) -> Answer:
        """One run: info, params, metrics."""
        found: Answer = self._get("runs/get", run_id=run_id)["run"]
        return found

    def runs(self, experiment: str) -> list[Answer]:
        """Every run of an experiment, by the experiment's name."""
        named = self._get("experiments/get-by-name", experiment_name=experiment)
        number = named["experiment"]["experiment_id"]
        found: list[Answer] = self._post("runs/search", {"experiment_ids": [number]}).get(
            "runs", []
        )
        return found

    def params(self, run_id: str) -> dict[str, str]:
        return {one["key"]: one["value"] for one in self.run(run_id)["data"].get("params", [])}

    def metrics(self, run_id: str) -> dict[str, float]:
        return {one["key"]: one["value"] for one in self.run(run_id)["data"].get("metrics", [])}

    def artifacts(self, run_id: str, folder: str = "") -> list[str]:
        """Paths of the run's artifacts in a folder."""
        found = self._get("artifacts/list", run_id=run_id, path=folder)
        return sorted(one["path"] for one in found.get("files", []))

    def artifact(self, run_id: str, path: str) -> str:
        """A text artifact, through the server's artifact proxy."""
        uri = str(self.run(run_id)["info"]["artifact_uri"])
        place = uri.removeprefix("mlflow-artifacts:").lstrip("/")
        answer = self.server.request("GET", f"/api/2.0/mlflow-artifacts/artifacts/{place}/{path}")
        assert answer.is_success, f"MLflow: {path}: {answer.status_code} {answer.text[:200]}"
        return answer.text

    def versions(self, model: str) -> list[Answer]:
        """Every version of a registered model."""
        asked = {"filter": f"name='{model}'", "max_results": "200"}
        found: list[Answer] = self._get("model-versions/search", **asked).get("model_versions", [])
        return sorted(found, key=lambda one: int(one["version"]))

    def aliases(self, model: str) -> dict[str, str]:
        """Alias to version."""
        found = self._get("registered-models/get", name=model)["registered_model"]
        return {one["alias"]: one["version"] for one in found.get("aliases", [])}

    def until_aliases(self, model: str, wanted: dict[str, str]) -> None:
        """The operator moves aliases just after the Service: who answers first is no one's promise."""
        eventually(
            lambda: self.aliases(model) == wanted,
            within=15,
            what=f"the aliases {wanted}",
            last=lambda: str(self.aliases(model)),
        )

    def log_models(self, model: str, *kinds: str) -> list[str]:
        """Versions of a registered model, made without a Run; see `log_models.py`."""
        self.server.request(
            "GET", "/health"
        )  # which replaces a connection that leads nowhere any more
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("log_models.py")), model, *kinds],
            env={**os.environ, "MLFLOW_TRACKING_URI": self.server.address()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [line for line in done.stdout.split() if line.isdecimal()]

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """As a person does it on MLflow's page."""
        body = {"name": model, "alias": alias, "version": version}
        answer = self.server.request("POST", f"{API}/registered-models/alias", json=body)
        assert answer.status_code == 200, answer.text

    def version_tags(self, model: str, version: str) -> dict[str, str]:
        """The evidence that was left on a version."""
        found = self._get("model-versions/get", name=model, version=version)["model_version"]
        return {one["key"]: one["value"] for one in found.get("tags", [])}
