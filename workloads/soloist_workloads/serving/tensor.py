"""Holds arrays against a tensor signature, and makes arrays of tables as MLflow does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from soloist_workloads.serving.problem import INVALID_PARAMETER_VALUE, RequestProblem
from soloist_workloads.serving.signature import Tensor


def enforce_tensor(given: Any, signature: Tensor) -> np.ndarray[Any, Any]:
    if isinstance(given, np.ndarray):
        return enforce_array(given, signature)
    if not isinstance(given, pd.DataFrame):
        raise RequestProblem("The model takes one array.", code=INVALID_PARAMETER_VALUE)
    if given.empty:
        raise RequestProblem("The table is empty.", code=INVALID_PARAMETER_VALUE)
    if len(given.columns) == 1:
        return _tensor_of_one_column(given[given.columns[0]], signature)
    if signature.shape != (-1, len(given.columns)):
        wanted = " × ".join("any" if n == -1 else str(n) for n in signature.shape)
        raise RequestProblem(
            f"The model takes an array of {wanted}, the table has {len(given.columns)} columns.",
            code=INVALID_PARAMETER_VALUE,
        )
    return enforce_array(given.to_numpy(), signature)


def _tensor_of_one_column(values: pd.Series, signature: Tensor) -> np.ndarray[Any, Any]:
    """A column of numbers is an array of one column; a column of lists is an array of their rows."""
    fixed = signature.shape[1:]
    if not signature.shape or signature.shape[0] != -1 or -1 in fixed:
        raise RequestProblem(
            "The array's shape can't be told from a table. Send instances or inputs."
        )
    try:
        if np.isscalar(values.iloc[0]):
            if signature.shape not in ((-1,), (-1, 1)):
                raise ValueError("it holds single values")
            return enforce_array(
                np.array(values, dtype=signature.dtype).reshape(signature.shape),
                signature,
            )
        array = np.vstack(values.tolist()).reshape(signature.shape).astype(signature.dtype)
    except ValueError as error:
        raise RequestProblem(
            f"The table's only column doesn't make an array of shape {signature.shape}: {error}.",
            code=INVALID_PARAMETER_VALUE,
        ) from None
    if len(array) != len(values):
        raise RequestProblem(
            f"The table's rows don't have the shape {fixed} each.",
            code=INVALID_PARAMETER_VALUE,
        )
    return array


def enforce_array(array: np.ndarray[Any, Any], tensor: Tensor) -> np.ndarray[Any, Any]:
    """An array of the signature's shape and type."""
    if tensor.shape == (-1,) and tensor.dtype == "object":
        return array
    fits = len(array.shape) == len(tensor.shape) and all(
        wanted in (-1, given) for wanted, given in zip(tensor.shape, array.shape, strict=True)
    )
    if not fits:
        raise RequestProblem(
            f"The model needs an array of shape {_shape(tensor.shape)}, the request has "
            f"{_shape(array.shape)}.",
            code=INVALID_PARAMETER_VALUE,
        )
    if _general(array.dtype) != np.dtype(tensor.dtype):
        raise RequestProblem(
            f"The model needs an array of {tensor.dtype}, the request has {array.dtype}.",
            code=INVALID_PARAMETER_VALUE,
        )
    return array


def _general(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Texts and bytes of any length are one type."""
    return np.dtype(dtype.kind) if dtype.kind in "US" else dtype


def _shape(shape: tuple[int, ...]) -> str:
    return "[" + ", ".join("any" if length == -1 else str(length) for length in shape) + "]"
