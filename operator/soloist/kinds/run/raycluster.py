"""The Ray cluster of a Run: one head, sized for its steps, with code and storage mounted."""

from __future__ import annotations

from typing import Any

from soloist.api.amounts import canonical_quantity
from soloist.api.conditions import rfc3339
from soloist.api.platform import Platform
from soloist.kinds import podenv
from soloist.kinds.pods import (
    container_security,
    mlflow_env,
    placement,
    plain,
    resources,
    scratch,
    user_env,
)
from soloist.kinds.run import names
from soloist.kinds.run.facts import KEEP_RUNS, RunFacts
from soloist.kinds.run.names import Run
from soloist.kinds.run.policy import head_size

# Ray's token authentication came with this version; an older runtime would refuse to start with it.
FIRST_WITH_TOKENS = (2, 52)
HOME = "/home/soloist"
DASHBOARD_PORT = 8265


def image(run: Run, platform: Platform) -> str | None:
    """The image of the steps: pinned by the Run where it is, else the runtime's; None for an unknown runtime."""
    runtime = platform.runtime(run.spec.runtime)
    pinned = run.status.image or run.spec.image or run.spec.source.image
    return pinned or (runtime.image if runtime else None)


def storage(run: Run) -> str:
    """Where the steps' data lives, as the code sees it."""
    bucket = run.spec.storage.s3
    return bucket.uri.rstrip("/") if bucket is not None else podenv.DATA_PATH


def run_storage(run: Run) -> str:
    """The Run's own folder there."""
    return f"{storage(run)}/runs/{run.name}"


def code_dir(run: Run) -> str | None:
    """The folder in which the commands run; None for the image's own working directory."""
    if run.spec.source.image is not None:
        return None
    path = run.spec.source.git.path if run.spec.source.git is not None else ""
    return f"{podenv.CODE_PATH}/{path}".rstrip("/")


def build(run: Run, facts: RunFacts, platform: Platform, head_image: str) -> dict[str, Any]:
    """The RayCluster. It has no workers: the steps run on the head, which is as large as its largest step."""
    runtime = platform.runtime(run.spec.runtime)
    version = runtime.ray_version if runtime is not None else ""
    cpu, _ = head_size(run.spec.steps)
    spec: dict[str, Any] = {
        "headGroupSpec": {
            "rayStartParams": {
                "dashboard-host": "0.0.0.0",
                "num-cpus": str(max(1, int(cpu))),
            },
            "template": {
                "metadata": {"labels": names.labels(run)},
                "spec": _pod(run, facts, platform, head_image),
            },
        },
    }
    if version:
        spec["rayVersion"] = version
    if _has_tokens(version):
        spec["authOptions"] = {"mode": "token"}
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayCluster",
        "metadata": {
            "name": names.cluster(run),
            "namespace": run.namespace,
            "annotations": {KEEP_RUNS: facts.keep_runs},
        },
        "spec": spec,
    }


def _has_tokens(version: str) -> bool:
    parts = version.split(".")[:2]
    return all(part.isdigit() for part in parts) and tuple(map(int, parts)) >= FIRST_WITH_TOKENS


def _pod(run: Run, facts: RunFacts, platform: Platform, head_image: str) -> dict[str, Any]:
    volumes, mounts = _volumes(run)
    spec = placement(platform, run.spec.service_account)
    spec["containers"] = [
        {
            "name": names.HEAD_CONTAINER,
            "image": head_image,
            "imagePullPolicy": platform.image_pull_policy,
            "securityContext": container_security(),
            "resources": _head_resources(run),
            "env": _env(run, platform),
            **_bucket_env(run),
            "volumeMounts": mounts,
            **_probes(),
        }
    ]
    before = _before(run, facts, platform, head_image, mounts)
    if before:
        spec["initContainers"] = before
    spec["volumes"] = volumes
    return spec


def _probes() -> dict[str, Any]:
    """Asked over HTTP, every second until it is ready.

    KubeRay's own probes start after ten seconds and run two processes in the container each time; a Run waits
    for the first, and pays for the second as long as it lasts.
    """
    health = {"httpGet": {"path": "/api/gcs_healthz", "port": DASHBOARD_PORT}, "timeoutSeconds": 5}
    return {
        "readinessProbe": {**health, "periodSeconds": 1, "failureThreshold": 10},
        "livenessProbe": {
            **health,
            "initialDelaySeconds": 30,
            "periodSeconds": 10,
            "failureThreshold": 60,
        },
    }


def _head_resources(run: Run) -> dict[str, Any]:
    cpu, memory = head_size(run.spec.steps)
    return resources(canonical_quantity(f"{round(cpu * 1000)}m"), f"{round(memory / 2**20)}Mi")


def _env(run: Run, platform: Platform) -> list[dict[str, Any]]:
    fixed = {
        "HOME": HOME,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    # By name: the API server refuses a variable that is there twice, and the user's own is the one that counts.
    every = (*plain(fixed), *mlflow_env(platform), *user_env(run.spec.env))
    return list({variable["name"]: variable for variable in every}.values())


def _bucket_env(run: Run) -> dict[str, Any]:
    bucket = run.spec.storage.s3
    if bucket is None:
        return {}
    return {"envFrom": [{"secretRef": {"name": bucket.secret_name}}]}


def _volumes(run: Run) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    pairs = [scratch("tmp", "/tmp"), scratch("home", HOME), _data(run), _code(run)]
    known = [pair for pair in pairs if pair is not None]
    return [volume for volume, _ in known], [mount for _, mount in known]


def _data(run: Run) -> tuple[dict[str, Any], dict[str, Any]] | None:
    if run.spec.storage.s3 is not None:
        return None
    claim = run.spec.storage.claim
    if claim is None:
        return scratch("data", podenv.DATA_PATH)
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": claim}}
    return volume, {"name": "data", "mountPath": podenv.DATA_PATH}


def _code(run: Run) -> tuple[dict[str, Any], dict[str, Any]] | None:
    source = run.spec.source
    if source.image is not None:
        return None
    if source.git is not None:
        return scratch("code", podenv.CODE_PATH)
    volume = {"name": "code", "configMap": {"name": source.config_map}}
    return volume, {"name": "code", "mountPath": podenv.CODE_PATH, "readOnly": True}


def _before(
    run: Run,
    facts: RunFacts,
    platform: Platform,
    head_image: str,
    mounts: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Init containers: fetch the code, and clear the storage of Runs that are no more."""
    wanted: list[tuple[str, list[dict[str, Any]]]] = []
    if run.spec.source.git is not None:
        wanted.append(("source", _git_env(run)))
    created = run.metadata.created
    if run.spec.storage.claim is not None and facts.keep_runs and created is not None:
        keep = {
            podenv.STORAGE: podenv.DATA_PATH,
            podenv.KEEP_RUNS: facts.keep_runs,
            podenv.KEEP_SINCE: rfc3339(created),
        }
        wanted.append(("storage", plain(keep)))
    return [
        {
            "name": name,
            "image": head_image,
            "imagePullPolicy": platform.image_pull_policy,
            "command": ["python", "-m", f"soloist_workloads.{name}"],
            "securityContext": container_security(),
            "resources": resources("100m", "256Mi"),
            "env": [*plain({"HOME": HOME}), *env],
            "volumeMounts": mounts,
        }
        for name, env in wanted
    ]


def _git_env(run: Run) -> list[dict[str, Any]]:
    git = run.spec.source.git
    if git is None:
        return []
    env = plain(
        {podenv.GIT_URL: git.url, podenv.GIT_COMMIT: git.ref, podenv.CODE_DIR: podenv.CODE_PATH}
    )
    if git.secret_name is None:
        return env
    return env + [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": git.secret_name, "key": key}}}
        for name, key in ((podenv.GIT_USERNAME, "username"), (podenv.GIT_PASSWORD, "password"))
    ]
