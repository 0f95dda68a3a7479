"""The rows that a graph is judged by: what training set aside, and the model's own input example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from soloist_workloads.optimize.verdict import NotTaken
from soloist_workloads.serving.flavors.native import Array, matrix_type
from soloist_workloads.serving.matrix import compile_matrix_plan
from soloist_workloads.serving.signature import Columns, ModelCard

HELD_OUT = "parity_rows.parquet"
"""Name of the file in the logged model."""

# A difference that one row in thirty shows is missed by a hundred rows three times in a hundred.
LEAST_ROWS = 100
MOST_ROWS = 10_000

REMEDY = (
    f"Log at least {LEAST_ROWS} held-out rows with the model's input columns as {HELD_OUT}, beside the model's own "
    "files (mlflow.MlflowClient().log_model_artifact)."
)


def number_type(card: ModelCard) -> np.dtype[Any]:
    dtype = matrix_type(card)
    if dtype is None:
        raise NotTaken(
            "Only models whose columns are all of one number type, none of them optional, are converted; the "
            "signature of this one says otherwise."
        )
    return dtype


def read_held_out(card: ModelCard) -> Array:
    """Those of finite numbers: rows with anything else are never answered by a graph."""
    dtype, names = number_type(card), _names(card)
    file = card.folder / HELD_OUT
    if not file.is_file():
        raise NotTaken(f"The model has no rows to compare answers on. {REMEDY}")
    table = _read_parquet(file, names)
    rows = _finite(table.to_numpy(np.float64, na_value=np.nan)).astype(dtype)
    if len(rows) < LEAST_ROWS:
        raise NotTaken(
            f"{HELD_OUT} has {len(rows)} complete rows, too few to compare answers on. {REMEDY}"
        )
    return rows


def _read_parquet(file: Path, names: list[str]) -> Any:
    """No more than is compared: the file may be as large as the training set."""
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(file) as parquet:
        missing = [name for name in names if name not in parquet.schema_arrow.names]
        if missing:
            raise NotTaken(
                f"{HELD_OUT} lacks the model's input columns {', '.join(missing[:5])}. {REMEDY}"
            )
        batches = parquet.iter_batches(batch_size=MOST_ROWS, columns=names)
        first = next(batches, None)
        if first is None:
            raise NotTaken(f"{HELD_OUT} has no rows. {REMEDY}")
        return first.to_pandas()[names]


def read_example(card: ModelCard) -> Array:
    """The rows of the input example; none where it has none that are plain numbers."""
    assert isinstance(card.inputs, Columns)
    dtype = number_type(card)
    plan = compile_matrix_plan(card.inputs, dtype)
    rows = plan.read_invocation(card.example.read_bytes()) if card.example is not None else None
    if rows is None:
        return np.empty((0, len(card.inputs.columns)), dtype)
    return rows[np.isfinite(rows).all(axis=1)]


def _names(card: ModelCard) -> list[str]:
    assert isinstance(card.inputs, Columns)
    return [str(column.name) for column in card.inputs.columns]


def _finite(rows: Array) -> Array:
    return rows[np.isfinite(rows).all(axis=1)]
