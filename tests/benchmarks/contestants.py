"""Every server that takes part: how it is started, what it is asked, and where its answer holds the labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COLUMNS = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
V2_PATH = "/v2/models/m/infer"

Row = tuple[float, ...]
Files = Mapping[Path, Any]


@dataclass(frozen=True, slots=True)
class Contestant:
    """One server with one model."""

    name: str
    peer: str
    """Whose environment it runs in; empty for the project's own."""
    command: tuple[str, ...]
    """{port}, {model} (a folder) and {work} (an empty folder of its own) are filled in."""
    path: str
    body: Callable[[Row], Any]
    labels: Callable[[Any], Any]
    ready: str = "/"
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ("logistic", "forest")


def v2_body(row: Row) -> Any:
    tensor = {"name": "input-0", "shape": [1, 4], "datatype": "FP32", "data": list(row)}
    return {"inputs": [tensor]}


def split_body(row: Row) -> Any:
    return {"dataframe_split": {"columns": list(COLUMNS), "data": [list(row)]}}


def rows_body(row: Row) -> Any:
    return {"rows": [list(row)]}


def v2_labels(answer: Any) -> Any:
    return answer["outputs"][0]["data"]


def mlflow_labels(answer: Any) -> Any:
    given = answer["predictions"]
    return [next(iter(one.values())) if isinstance(one, dict) else one for one in given]


SOLOIST_ENV = {
    "SOLOIST_MODEL_DIR": "{model}/mlflow", "SOLOIST_MODEL_NAME": "m", "SOLOIST_MODEL_VERSION": "1",
    "SOLOIST_PORT": "{port}",
}  # fmt: skip
SOLOIST = ("python", "-m", "soloist_workloads.serving")
MLSERVER = ("mlserver", "start", "{work}")
SETTINGS = {
    "host": "127.0.0.1", "http_port": "{port}", "grpc_port": "{port+1}", "metrics_port": "{port+2}",
    "parallel_workers": 0, "debug": False,
}  # fmt: skip


def _mlserver(implementation: str, uri: str, **more: Any) -> dict[str, Any]:
    model = {"name": "m", "implementation": implementation, "parameters": {"uri": uri}, **more}
    return {"settings.json": SETTINGS, "model-settings.json": model}


SKLEARN_RUNTIME = ("mlserver_sklearn.SKLearnModel", "{model}/model.joblib")
BATCH = {"max_batch_size": 64, "max_batch_time": 0.002}
V2_READY = "/v2/models/m/ready"


def _own(name: str, file: str, *arguments: str, peer: str = "", **more: Any) -> Contestant:
    command = ("python", str(HERE / "servers" / file), "{model}/model.joblib", "{port}", *arguments)
    defaults: dict[str, Any] = {"path": "/predict", "body": rows_body}
    return Contestant(
        name, peer, command, labels=lambda answer: answer["labels"], **{**defaults, **more}
    )


CONTESTANTS: tuple[Contestant, ...] = (
    Contestant(
        "soloist v2", "", SOLOIST, V2_PATH, v2_body, v2_labels, V2_READY, env=SOLOIST_ENV,
        models=("logistic", "forest", "onnx"),
    ),
    Contestant(
        "soloist dataframe_split", "", SOLOIST, "/invocations", split_body, mlflow_labels,
        V2_READY, env=SOLOIST_ENV, models=("logistic", "forest", "onnx"),
    ),
    Contestant(
        "soloist v2, with its gateway", "",
        ("python", str(HERE / "servers" / "gateway_server.py"), "{port}"),
        V2_PATH, v2_body, v2_labels, V2_READY, env=SOLOIST_ENV | {"PYTHONPATH": str(ROOT)},
        models=("logistic", "forest", "onnx"),
    ),
    Contestant(
        "floor: bare ASGI", "",
        ("python", str(HERE / "servers" / "floor_server.py"), "{model}/model.joblib", "{port}"),
        "/", v2_body, v2_labels,
    ),
    Contestant(
        "mlserver sklearn v2", "mlserver", MLSERVER, V2_PATH, v2_body, v2_labels, V2_READY,
        files=_mlserver(*SKLEARN_RUNTIME),
    ),
    Contestant(
        "mlserver sklearn v2, batching", "mlserver", MLSERVER, V2_PATH, v2_body, v2_labels,
        V2_READY, files=_mlserver(*SKLEARN_RUNTIME, **BATCH),
    ),
    Contestant(
        "mlserver mlflow dataframe_split", "mlserver", MLSERVER, "/invocations", split_body,
        mlflow_labels, V2_READY, files=_mlserver("mlserver_mlflow.MLflowRuntime", "{model}/mlflow"),
    ),
    Contestant(
        "mlflow serve dataframe_split", "mlflow",
        ("mlflow", "models", "serve", "-m", "{model}/mlflow", "--env-manager", "local", "-w", "1",
         "-h", "127.0.0.1", "-p", "{port}"),
        "/invocations", split_body, mlflow_labels, "/health",
    ),
    Contestant(
        "kserve custom model v2", "kserve",
        ("python", str(HERE / "servers" / "kserve_server.py"), "{model}/model.joblib", "{port}"),
        V2_PATH, v2_body, v2_labels, V2_READY,
    ),
    _own("litserve", "litserve_server.py", peer="litserve", ready="/health"),
    _own("litserve, batching", "litserve_server.py", "batch", peer="litserve", ready="/health"),
    *(
        Contestant(
            f"bentoml{suffix}", "bentoml",
            ("bentoml", "serve", "bentoml_server:Served", "--host", "127.0.0.1", "-p", "{port}"),
            "/predict", rows_body, lambda answer: answer, "/readyz",
            env={"BENCH_MODEL": "{model}/model.joblib", "BENCH_BATCH": flag,
                 "PYTHONPATH": str(HERE / "servers")},
        )
        for suffix, flag in (("", ""), (", batching", "1"))
    ),
    _own("ray serve, one replica", "ray_server.py", peer="ray", ready="/predict"),
)  # fmt: skip
