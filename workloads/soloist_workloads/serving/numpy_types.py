"""The NumPy type of each of MLflow's column types."""

from __future__ import annotations

from typing import Any

import numpy as np

from soloist_workloads.serving.signature import Kind

NUMPY_TYPES: dict[Kind, np.dtype[Any]] = {
    Kind.BOOLEAN: np.dtype("bool"),
    Kind.INTEGER: np.dtype("int32"),
    Kind.LONG: np.dtype("int64"),
    Kind.FLOAT: np.dtype("float32"),
    Kind.DOUBLE: np.dtype("float64"),
    Kind.STRING: np.dtype("str"),
    Kind.BINARY: np.dtype("bytes"),
    Kind.DATETIME: np.dtype("datetime64[ns]"),
}
