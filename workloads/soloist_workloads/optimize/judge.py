"""Converts one model and compares what the server would answer from the graph with what the model answers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from soloist_workloads.optimize.attempt import name_graph
from soloist_workloads.optimize.convert import Candidate, as_answer, convert
from soloist_workloads.optimize.parity import TOLERANCE, count_unlike, differ
from soloist_workloads.optimize.probes import probe
from soloist_workloads.optimize.rows import number_type, read_example, read_held_out
from soloist_workloads.optimize.verdict import NotTaken, Verdict, not_taken
from soloist_workloads.serving.flavors.native import Array, Native
from soloist_workloads.serving.optimized import Graph, fits_graph
from soloist_workloads.serving.problem import ModelProblem
from soloist_workloads.serving.signature import ModelCard, read_card
from soloist_workloads.serving.trust import require_trust

# A graph takes another way for a single row than for many; so many are asked alone too.
ALONE = 50


def judge(folder: Path, *, allow_pickle: bool, share: int = 0) -> tuple[Verdict, bytes | None]:
    """The verdict, and the graph where it is taken. Nothing is raised: whatever goes wrong is the reason."""
    try:
        card = read_card(folder)
        number_type(card)
        native = _load(card, allow_pickle)
        return _compare(card, native)
    except NotTaken as reason:
        return not_taken(str(reason), rows=reason.rows, worst=reason.worst), None
    except ModelProblem as problem:  # the server says so too, and whoever reads it may change it
        return not_taken(str(problem), tried_bytes=-1), None
    except MemoryError:
        return not_taken(
            "There isn't enough memory to convert it. Give the endpoint more (spec.memory).",
            tried_bytes=share or -1,
        ), None
    except Exception as error:  # the model may raise anything at rows that it should know
        text = f"Converting and comparing it failed: {type(error).__name__}: {error}"
        return not_taken(text), None


def _load(card: ModelCard, allow_pickle: bool) -> Native:
    """Whether it may be loaded comes before it is."""
    if card.loader != "mlflow.sklearn":
        raise NotTaken(
            f"Only models logged by mlflow.sklearn are converted; this one is loaded by {card.loader}."
        )
    require_trust(card, named="The model", allow_pickle=allow_pickle)
    from soloist_workloads.serving.flavors import sklearn
    from soloist_workloads.serving.loading import deserialize, explain_load_failure

    try:
        native = sklearn.load(card, deserialize)
    except MemoryError:
        raise
    except Exception as error:
        raise ModelProblem(explain_load_failure(card.folder, error)) from error
    if native.predict_matrix is None:
        raise NotTaken(
            "It reads its columns by name or type, or isn't scikit-learn's own; only models that take a matrix of "
            "numbers are converted."
        )
    return native


def _compare(card: ModelCard, native: Native) -> tuple[Verdict, bytes | None]:
    held_out = read_held_out(card)
    model = native.predict.__self__  # type: ignore[attr-defined] # the estimator whose method the flavor loads
    probes = probe(model, held_out)
    rows = np.concatenate([held_out, read_example(card), probes])
    rows = rows[[fits_graph(row[None]) for row in rows]]
    expected = as_answer(native.predict(rows))
    method = card.flavors["python_function"].get("predict_fn", "predict")
    worst, reason = math.inf, ""
    for candidate in convert(model, method, rows, expected):
        try:
            given = _answer(candidate, rows)
        except Exception as error:
            reason = reason or f"the graph fails: {type(error).__name__}: {str(error)[:200]}"
            continue
        worst = differ(expected, given)
        if worst <= TOLERANCE:
            return _take(candidate, len(held_out), len(probes), worst)
        reason = _explain(expected, given, len(held_out), worst)
    raise NotTaken(f"Its answers aren't the model's: {reason}.", rows=len(held_out), worst=worst)


def _answer(candidate: Candidate, rows: Array) -> Array:
    graph = Graph(candidate.content, candidate.form)
    together = graph(rows)
    step = max(1, len(rows) // ALONE)
    for place in range(0, len(rows), step):
        together[place] = graph(rows[place : place + 1])[0]
    return together


def _take(
    candidate: Candidate, held_out: int, probes: int, worst: float
) -> tuple[Verdict, bytes | None]:
    at = f" and {probes} rows at the thresholds of its trees" if probes else ""
    alike = f"alike, to {worst:.1e}" if worst else "equally"
    verdict = Verdict(
        taken=True,
        message=f"Answers from an ONNX graph: {held_out} held-out rows{at} are answered {alike}.",
        rows=held_out,
        worst=worst,
        graph=name_graph(candidate.content),
        form=candidate.form,
    )
    return verdict, candidate.content


def _explain(expected: Array, given: Array, held_out: int, worst: float) -> str:
    if expected.shape != given.shape:
        return f"it gives {expected.shape[1:]} for a row, the graph {given.shape[1:]}"
    by = f", by up to {worst:.1e}" if math.isfinite(worst) else ""
    wrong = count_unlike(expected[:held_out], given[:held_out])
    where = f"{wrong} of {held_out} held-out rows differ"
    if not wrong:
        where = f"the {held_out} held-out rows are answered alike, but {count_unlike(expected, given)} rows at thresholds of its trees differ"
    return f"{where}{by} (at most {TOLERANCE:g} is tolerated)"
