"""The RayJob of one attempt of one step."""

from __future__ import annotations

import json
from typing import Any

from soloist.api.amounts import duration_value
from soloist.api.v1alpha1.pipeline import Step
from soloist.kinds import podenv
from soloist.kinds.run import names
from soloist.kinds.run.names import Run
from soloist.kinds.run.raycluster import code_dir, run_storage, storage


def build(run: Run, step: Step, attempt: int) -> dict[str, Any]:
    """A job on the Run's own cluster.

    HTTPMode: KubeRay submits it through the cluster's dashboard, and submits it again when the head was
    replaced and knows it no more. So a lost head costs time, but no attempt.
    """
    environment = {"env_vars": _environment(run, step, attempt)}  # JSON is YAML, and always quoted
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {
            "name": names.job(run, step.name, attempt),
            "namespace": run.namespace,
            "labels": {names.STEP_LABEL: step.name, names.ATTEMPT_LABEL: str(attempt)},
        },
        "spec": {
            "submissionMode": "HTTPMode",
            "clusterSelector": {"ray.io/cluster": names.cluster(run)},
            "entrypoint": "python -m soloist_workloads.step",
            "activeDeadlineSeconds": max(1, int(duration_value(step.timeout).total_seconds())),
            "runtimeEnvYAML": json.dumps(environment, sort_keys=True),
        },
    }


def _environment(run: Run, step: Step, attempt: int) -> dict[str, str]:
    env = dict(step.env)
    env |= {
        podenv.STEP: step.name,
        podenv.ATTEMPT: str(attempt),
        podenv.COMMAND: step.command,
        podenv.RUN: run.name,
        podenv.STORAGE: storage(run),
        podenv.RUN_STORAGE: run_storage(run),
        podenv.PARAMS: json.dumps(step.params, sort_keys=True),
        podenv.MLFLOW_RUN: run.status.mlflow_run_id or "",
        podenv.MLFLOW_EXPERIMENT: run.status.experiment_id or "",
    }
    where = code_dir(run)
    return env if where is None else env | {podenv.CODE_DIR: where}
