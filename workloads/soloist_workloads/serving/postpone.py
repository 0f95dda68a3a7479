"""Imports that a library makes for its own comfort, put off until somebody needs them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def postponed(name: str) -> Iterator[None]:
    """Inside, the package isn't there; afterwards it can be imported as ever.

    For libraries that say `try: import pandas`, and work without it. What was imported before stays.
    """
    if name in sys.modules:
        yield
        return
    # None is the language's own way to say that a module is known not to exist.
    sys.modules[name] = None  # type: ignore[assignment] # typeshed leaves the None out
    try:
        yield
    finally:
        del sys.modules[name]


def import_sklearn() -> None:
    """Without pandas: a quarter of the start, for a constant that scikit-learn never reads."""
    with postponed("pandas"):
        importlib.import_module("sklearn.base")
