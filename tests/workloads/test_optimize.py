"""A model's ONNX graph: taken only where it answers as the model does, and then nobody can tell but by the clock."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from mlflow.models import infer_signature
from sklearn import ensemble, linear_model
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from soloist_workloads.environment import FetchSettings, TrackingSettings
from soloist_workloads.optimize.attempt import _environment, settle
from soloist_workloads.optimize.convert import _convert
from soloist_workloads.optimize.judge import _answer, judge
from soloist_workloads.optimize.parity import TOLERANCE, differ
from soloist_workloads.optimize.probes import probe
from soloist_workloads.optimize.rows import HELD_OUT
from soloist_workloads.optimize.verdict import Verdict, folder_of, read
from soloist_workloads.serving.app import App
from soloist_workloads.serving.lane import Lane
from soloist_workloads.serving.loading import load_scorer
from soloist_workloads.serving.signature import read_card
from soloist_workloads.serving.state import State
from tests.workloads.conftest import Client
from tests.workloads.flavors import AMOUNTS, COUNTS, LABELS, MODELS, TABLE, TREE, WORDS

pytestmark = pytest.mark.filterwarnings("ignore")

CHANCE = np.random.default_rng(7)
FRESH = pd.DataFrame(CHANCE.normal(size=(150, 4)), columns=list(TABLE))
FLOATS = TABLE.astype("float32")


def save(
    folder: Path,
    model: Any,
    *,
    table: pd.DataFrame = TABLE,
    held_out: pd.DataFrame | None = FRESH,
    method: str = "predict",
    written: str = "cloudpickle",
) -> Path:
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.sklearn.save_model(
        model,
        folder,
        signature=infer_signature(table),
        pyfunc_predict_fn=method,
        serialization_format=written,
        skops_trusted_types=[TREE] if written == "skops" else None,
        pip_requirements=[],
    )
    if held_out is not None:
        held_out.to_parquet(folder / HELD_OUT)
    return folder


def settings(model: Path, *, allow_pickle: bool = True) -> FetchSettings:
    tracking = TrackingSettings("http://127.0.0.1:9", None)
    return FetchSettings("models:/m/3", model, tracking, "onnx", allow_pickle)


SCALED = make_pipeline(StandardScaler(), linear_model.LogisticRegression())
Case = tuple[Any, Any, pd.DataFrame, str]
TAKEN: dict[str, Case] = {
    "logistic": (linear_model.LogisticRegression(), LABELS, TABLE, "predict"),
    "logistic-words": (linear_model.LogisticRegression(), WORDS, TABLE, "predict"),
    "logistic-bytes": (linear_model.LogisticRegression(), LABELS.astype("int8"), TABLE, "predict"),
    "two-classes": (linear_model.LogisticRegression(), LABELS > 0, TABLE, "predict"),
    "probabilities": (linear_model.LogisticRegression(), LABELS, TABLE, "predict_proba"),
    "scaled": (SCALED, WORDS, TABLE, "predict_proba"),
    "ridge": (linear_model.Ridge(), AMOUNTS, TABLE, "predict"),
    "ridge-floats": (linear_model.Ridge(), AMOUNTS.astype("float32"), FLOATS, "predict"),
    "ridge-large": (linear_model.Ridge(), AMOUNTS * 1e7, TABLE, "predict"),
    "two-amounts": (
        linear_model.LinearRegression(), np.stack([AMOUNTS, -AMOUNTS], axis=1), TABLE, "predict",
    ),
    "forest": (ensemble.RandomForestClassifier(15, random_state=0), LABELS, TABLE, "predict"),
    "forest-words": (ensemble.RandomForestClassifier(9, random_state=0), WORDS, TABLE, "predict_proba"),
    "forest-counts": (ensemble.RandomForestClassifier(9, random_state=0), LABELS, COUNTS, "predict"),
    "forest-amounts": (ensemble.RandomForestRegressor(15, random_state=0), (1 + AMOUNTS.abs()) * 1e4, TABLE, "predict"),
    "boosting": (ensemble.GradientBoostingClassifier(n_estimators=5, random_state=0), LABELS, TABLE, "predict_proba"),
}  # fmt: skip


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of models beside which lies a verdict, made as a pod makes it."""
    root = tmp_path_factory.mktemp("judged")

    def folder(name: str) -> Path:
        target = root / name
        if not target.exists():
            model, answers, table, method = TAKEN[name]
            held_out = FRESH if table is not COUNTS else (FRESH * 1000).round().astype("int64")
            save(target, model.fit(table, answers), table=table, held_out=held_out, method=method)
            verdict, graph = judge(target, allow_pickle=True)
            _put(target, verdict, graph)
        return target

    return folder


def _put(model: Path, verdict: Verdict, graph: bytes | None) -> None:
    from soloist_workloads.optimize.verdict import dump, file_of

    folder_of(model).mkdir()
    if graph is not None:
        (folder_of(model) / verdict.graph).write_bytes(graph)
    file_of(folder_of(model)).write_text(dump(verdict))


def app_of(folder: Path, optimize: str) -> App:
    state = State()
    scorer = load_scorer(read_card(folder), optimize=optimize)
    state.become_ready(scorer)
    app = App(name="m", version="3", state=state, lane=Lane(threads=1))
    app.metrics.tell_model(scorer.flavor, getattr(scorer, "optimized", ""))
    return app


def requests_for(rows: list[list[Any]], datatype: str) -> list[tuple[str, str, bytes]]:
    """Every form in which both protocols are asked: path, content type, body."""
    names, flat = list(TABLE), [value for row in rows for value in row]
    records = [dict(zip(names, row, strict=True)) for row in rows]
    columns = {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}  # fmt: skip
    tensor = {"name": "x", "shape": [len(rows), 4], "datatype": datatype, "data": flat}
    each = [
        {"name": name, "shape": [len(rows)], "datatype": datatype, "data": values}
        for name, values in columns.items()
    ]
    as_json: list[tuple[str, Any]] = [
        ("/invocations", {"dataframe_split": {"columns": names, "data": rows}}),
        ("/invocations", {"dataframe_split": {"columns": names[::-1], "data": [row[::-1] for row in rows]}}),
        ("/invocations", {"dataframe_records": [{**one, "more": 1} for one in records]}),
        ("/invocations", {"dataframe_split": {"columns": [*names, "x"], "data": [[*row, 1] for row in rows]}}),
        ("/invocations", {"instances": records}),
        ("/invocations", {"inputs": columns}),
        ("/v2/models/m/infer", {"inputs": [tensor]}),
        ("/v2/models/m/infer", {"inputs": each}),
        ("/v2/models/m/infer", {"inputs": [tensor], "parameters": {"binary_data_output": True}}),
    ]  # fmt: skip
    csv = pd.DataFrame(rows, columns=names).to_csv(index=False)
    sent = [(path, "application/json", json.dumps(body).encode()) for path, body in as_json]
    return [*sent, ("/invocations", "text/csv", csv.encode())]


ODD: dict[str, Any] = {
    "missing": None, "NaN": float("nan"), "infinite": float("inf"), "beyond single": 1e300, "text": "x",
}  # fmt: skip


def alike(ours: Any, theirs: Any) -> bool:
    """Equal, but for the tolerance where a number is a float."""
    if isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(alike(ours[k], theirs[k]) for k in theirs)
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    if isinstance(theirs, float) and isinstance(ours, float):
        return abs(ours - theirs) <= TOLERANCE * max(1.0, abs(theirs))
    return type(ours) is type(theirs) and ours == theirs


@pytest.mark.parametrize("name", TAKEN)
async def test_optimized_answers_are_the_models_in_every_form(
    name: str, judged: Callable[[str], Path], connect: Client
) -> None:
    folder = judged(name)
    verdict = read(folder_of(folder))
    assert verdict is not None
    assert verdict.taken, verdict.message
    table = TAKEN[name][2]
    datatype = {"int64": "INT64", "float32": "FP32"}.get(str(table.dtypes.iloc[0]), "FP64")
    rows = table.head(5).to_numpy().tolist()
    asked = requests_for(rows, datatype) + requests_for(rows[:1], datatype)
    for odd in ODD.values():
        asked += requests_for([rows[0], [*rows[1][:3], odd]], datatype)
    async with (
        connect(app_of(folder, "onnx")) as optimized,
        connect(app_of(folder, "")) as original,
    ):
        assert 'optimized="onnx"' in (await optimized.get("/metrics")).text
        assert 'optimized=""' in (await original.get("/metrics")).text
        answered = 0
        for path, kind, body in asked:
            ours = await optimized.post(path, content=body, headers={"content-type": kind})
            theirs = await original.post(path, content=body, headers={"content-type": kind})
            assert ours.status_code == theirs.status_code, body
            assert ours.headers["content-type"] == theirs.headers["content-type"]
            answered += ours.status_code == 200
            if b"binary_data_output" not in body:
                assert alike(ours.json(), theirs.json()), body
                continue
            assert len(ours.content) == len(theirs.content)
        assert answered >= 20


def test_the_graph_really_answers(judged: Callable[[str], Path]) -> None:
    """Else every comparison here would compare the model with itself."""
    folder = judged("forest-amounts")
    optimized = load_scorer(read_card(folder), optimize="onnx")
    original = load_scorer(read_card(folder))
    assert optimized.matrix is not None
    assert original.matrix is not None
    rows = FRESH.to_numpy()
    given, expected = optimized.matrix.predict(rows), original.matrix.predict(rows)
    assert 0 < differ(expected, given) <= TOLERANCE
    body = FRESH.to_csv(index=False).encode()
    assert alike(json.loads(optimized.invoke(body, "text/csv").body)["predictions"], given.tolist())
    assert not optimized.matrix.rows_are_apart
    assert original.matrix.rows_are_apart


def test_a_graph_that_is_wrong_only_beside_thresholds_is_found_out() -> None:
    """As the graph of double precision is: the held-out rows alone would have let it pass."""
    forest = ensemble.RandomForestClassifier(15, random_state=0).fit(TABLE.to_numpy(), LABELS)
    rows = FRESH.to_numpy()
    probes = probe(forest, rows)
    graph = _convert(forest, "predict_proba", rows, forest.predict_proba(rows), "float64")
    assert differ(forest.predict_proba(rows), _answer(graph, rows)) <= TOLERANCE
    assert differ(forest.predict_proba(probes), _answer(graph, probes)) > 0.01


def test_answers_differ_by_the_formula() -> None:
    one = np.array([0.5, 1000.0])
    assert differ(one, one + np.array([2e-6, 0.0])) == pytest.approx(2e-6)
    assert differ(one, one + np.array([0.0, 0.01])) == pytest.approx(1e-5)
    assert differ(np.array([1, 2]), np.array([1, 3])) == np.inf
    assert differ(np.array(["a"]), np.array(["a"])) == 0
    assert differ(one, one.astype(np.float32)) == np.inf
    assert differ(one, one[:1]) == np.inf
    assert differ(np.array([np.nan]), np.array([np.nan])) == 0
    assert differ(np.array([np.nan]), np.array([0.0])) == np.inf


NAMED = TABLE.rename(columns={"a": "other"})
HISTOGRAMS = ensemble.HistGradientBoostingClassifier(max_iter=3, random_state=0)
REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no rows": (None, {"held_out": None}, "Log at least 100 held-out rows"),
    "few rows": (None, {"held_out": FRESH.head(99)}, "has 99 complete rows, too few"),
    "incomplete rows": (None, {"held_out": FRESH.where(FRESH["a"] > 0)}, "complete rows, too few"),
    "other columns": (None, {"held_out": NAMED}, "lacks the model's input columns a"),
    "mixed columns": (None, {"table": TABLE.assign(a=1)}, "all of one number type"),
    "no conversion": (HISTOGRAMS, {}, "skl2onnx can't convert HistGradientBoostingClassifier"),
    "other method": (None, {"method": "decision_function"}, "It answers with decision_function"),
    "set output": (
        make_pipeline(StandardScaler().set_output(transform="pandas"), linear_model.LogisticRegression()),
        {}, "by name or type",
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", REFUSED)
def test_what_isnt_taken_says_why(story: str, tmp_path: Path) -> None:
    model, how, reason = REFUSED[story]
    fitted = (model or linear_model.LogisticRegression()).fit(TABLE, LABELS)
    verdict, graph = judge(save(tmp_path / "m", fitted, **how), allow_pickle=True)
    assert reason in verdict.message
    assert (verdict.taken, graph) == (False, None)
    assert verdict.holds(2**62)  # settled: another attempt would say the same


def test_models_of_other_libraries_arent_taken(tmp_path: Path) -> None:
    MODELS["lightgbm"][0](tmp_path / "m")
    verdict, _ = judge(tmp_path / "m", allow_pickle=False)
    assert "Only models logged by mlflow.sklearn are converted" in verdict.message


class Program:
    """What it is unpickled to leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def __reduce__(self) -> Any:
        return Path.touch, (self._trace,)


def test_a_pickle_isnt_opened_where_it_isnt_allowed(tmp_path: Path) -> None:
    import cloudpickle

    folder = save(tmp_path / "m", linear_model.LogisticRegression().fit(TABLE, LABELS))
    (folder / "model.pkl").write_bytes(cloudpickle.dumps(Program(tmp_path / "trace")))
    verdict, _ = judge(folder, allow_pickle=False)
    assert "spec.allowPickle" in verdict.message
    assert not (tmp_path / "trace").exists()
    assert not verdict.holds(2**62)  # the next pod may have been allowed
    verdict, _ = judge(folder, allow_pickle=True)
    assert (tmp_path / "trace").exists()
    assert not verdict.taken


def test_an_attempt_leaves_its_verdict_for_all_who_come_later(tmp_path: Path) -> None:
    forest = ensemble.RandomForestClassifier(5, random_state=0).fit(TABLE, LABELS)
    folder = save(tmp_path / "m", forest, written="skops")
    asked = settings(folder, allow_pickle=False)
    verdicts: list[Verdict] = []
    first = settle(asked)
    assert first.taken, first.message
    before = {file: file.stat().st_ino for file in folder_of(folder).iterdir()}
    (folder / "model.skops").unlink()  # neither the model nor MLflow is asked again
    threads = [
        threading.Thread(target=lambda: verdicts.append(settle(asked, seconds=0))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == [first] * 3
    assert {file: file.stat().st_ino for file in folder_of(folder).iterdir()} == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["m", "m.onnx"]
    told = json.loads(first.told().partition("soloist-optimized: ")[2])
    assert told == {"form": "onnx", "taken": True, "rows": 150, "message": first.message}


def test_a_pod_converts_what_it_fetched_and_says_so_also_without_mlflow(tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    folder = save(tmp_path / "m", linear_model.Ridge().fit(TABLE, AMOUNTS), written="skops")
    env = {
        **os.environ,
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
        "SOLOIST_MODEL_URI": "models:/m/3",
        "SOLOIST_MODEL_DIR": str(folder),
        "SOLOIST_OPTIMIZE": "onnx",
    }
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "soloist_workloads.fetch"],
            env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told = done.stderr.strip().splitlines()[-1]
        assert told.startswith('soloist-optimized: {"form": "onnx", "taken": true, "rows": 150')


def test_a_models_own_code_gets_no_credentials() -> None:
    given = {
        "HOME": "/tmp", "MLFLOW_TRACKING_PASSWORD": "x", "MLFLOW_TRACKING_URI": "http://u:p@m", "AWS_SECRET_ACCESS_KEY": "y",
    }  # fmt: skip
    assert _environment(given) == {"HOME": "/tmp"}


def test_a_comparison_that_fails_is_told_with_its_numbers(tmp_path: Path) -> None:
    """Trees of huge amounts that nearly cancel each other out: their sum needs double precision."""
    forest = ensemble.RandomForestRegressor(8, random_state=0).fit(TABLE, AMOUNTS)
    for number, tree in enumerate(forest.estimators_):
        tree.tree_.value[...] = 1e9 * (-1) ** number + 0.3 * number
    verdict, graph = judge(save(tmp_path / "m", forest), allow_pickle=True)
    assert (verdict.taken, graph, verdict.rows) == (False, None, 150)
    assert TOLERANCE < verdict.worst < np.inf
    assert "150 of 150 held-out rows differ, by up to " in verdict.message


def test_two_pods_at_once_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save(tmp_path / "m", linear_model.Ridge().fit(TABLE, AMOUNTS))
    names = iter(["pod-1"] * 3 + ["pod-2"] * 3)
    lock = threading.Lock()
    mine = threading.local()

    def hostname() -> str:
        with lock:
            if not hasattr(mine, "name"):
                mine.name = next(names)
                while mine.name == getattr(hostname, "last", None):
                    mine.name = next(names)
                hostname.last = mine.name  # type: ignore[attr-defined]
        return str(mine.name)

    monkeypatch.setattr("socket.gethostname", hostname)
    verdicts: list[Verdict] = []
    pods = [
        threading.Thread(target=lambda: verdicts.append(settle(settings(folder)))) for _ in range(2)
    ]
    for pod in pods:
        pod.start()
    for pod in pods:
        pod.join()
    assert [verdict.taken for verdict in verdicts] == [True, True]
    found = read(folder_of(folder))
    assert found is not None
    assert (folder_of(folder) / found.graph).is_file()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["m", "m.onnx"]
    assert load_scorer(read_card(folder), optimize="onnx").optimized == "onnx"  # type: ignore[attr-defined]


def test_an_attempt_that_takes_too_long_or_too_much_is_made_again_only_with_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save(tmp_path / "m", linear_model.Ridge().fit(TABLE, AMOUNTS))
    share = 10**9
    monkeypatch.setattr("soloist_workloads.optimize.attempt.read_share", lambda: share)
    slow = settle(settings(folder), seconds=0.01)
    assert (slow.taken, slow.tried_bytes) == (False, share)
    assert "It took longer than 0.01 s" in slow.message
    assert settle(settings(folder)) == slow
    share *= 2
    assert settle(settings(folder)).taken


def test_want_of_memory_is_a_reason_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ridge = linear_model.Ridge().fit(TABLE, AMOUNTS)
    ridge.padding_ = np.zeros(20_000_000)  # more than a process of the least share may grow by
    folder = save(tmp_path / "m", ridge)
    monkeypatch.setattr("soloist_workloads.optimize.attempt.read_share", lambda: 1)
    verdict = settle(settings(folder))
    assert not verdict.taken
    assert "memory" in verdict.message
    assert "spec.memory" in verdict.message


def test_an_attempt_that_ended_its_container_isnt_made_again(tmp_path: Path) -> None:
    import socket

    folder = save(tmp_path / "m", linear_model.Ridge().fit(TABLE, AMOUNTS))
    folder_of(folder).mkdir()
    mark = folder_of(folder) / f".began-{socket.gethostname()}"
    mark.touch()
    verdict = settle(settings(folder))
    assert not verdict.taken
    assert "ended its whole container" in verdict.message
    assert not mark.exists()
    assert settle(settings(folder)) == verdict


def test_a_volume_that_is_full_is_a_reason_too(tmp_path: Path) -> None:
    folder = save(tmp_path / "m", linear_model.Ridge().fit(TABLE, AMOUNTS))
    folder_of(folder).write_text("a file where the folder should be")
    verdict = settle(settings(folder))
    assert not verdict.taken
    assert "The attempt to convert it failed: FileExistsError" in verdict.message


@pytest.mark.parametrize(
    "harm", ["no verdict", "torn verdict", "no graph", "torn graph", "refused"]
)
def test_without_a_sound_graph_the_model_itself_answers(
    harm: str, tmp_path: Path, judged: Callable[[str], Path]
) -> None:
    import shutil

    source, folder = judged("logistic"), tmp_path / "m"
    shutil.copytree(source, folder)
    shutil.copytree(folder_of(source), folder_of(folder))
    (graph,) = folder_of(folder).glob("*.onnx")
    file = folder_of(folder) / "verdict.json"
    match harm:
        case "no verdict":
            file.unlink()
        case "torn verdict":
            file.write_text(file.read_text()[:50])
        case "no graph":
            graph.unlink()
        case "torn graph":
            graph.write_bytes(graph.read_bytes()[:50])
        case "refused":
            file.write_text(file.read_text().replace('"taken": true', '"taken": false'))
    body = json.dumps({"dataframe_split": {"columns": list(TABLE), "data": [[0.0] * 4]}}).encode()
    scorer = load_scorer(read_card(folder), optimize="onnx")
    assert scorer.optimized == ""  # type: ignore[attr-defined]
    assert scorer.invoke(body, "application/json").status == 200


def test_a_graph_that_comes_with_the_model_is_never_read(
    tmp_path: Path, judged: Callable[[str], Path]
) -> None:
    """Whoever may log a model may put any file into its folder."""
    import shutil

    source, folder = judged("logistic"), tmp_path / "m"
    shutil.copytree(source, folder)
    shutil.copytree(folder_of(source), folder / "m.onnx")
    shutil.copy(folder_of(source) / "verdict.json", folder)
    assert load_scorer(read_card(folder), optimize="onnx").optimized == ""  # type: ignore[attr-defined]


def test_rows_are_logged_beside_the_model_with_one_call(tmp_path: Path) -> None:
    """As docs/optimize.md says; MLflow's own client and store."""
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = mlflow.create_experiment("e", artifact_location=(tmp_path / "store").as_uri())
    with mlflow.start_run(experiment_id=experiment):
        model = linear_model.Ridge().fit(TABLE, AMOUNTS)
        logged = mlflow.sklearn.log_model(
            model, name="model", signature=infer_signature(TABLE), pip_requirements=[]
        )
        FRESH.to_parquet(tmp_path / HELD_OUT)
        mlflow.MlflowClient().log_model_artifact(logged.model_id, str(tmp_path / HELD_OUT))
    folder = Path(
        mlflow.artifacts.download_artifacts(logged.model_uri, dst_path=str(tmp_path / "d"))
    )
    verdict, _ = judge(folder, allow_pickle=False)
    assert verdict.taken, verdict.message
