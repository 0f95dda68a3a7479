"""Which types a skops file may hold.

skops builds only types that somebody called trusted, but the list lies in the model's own MLmodel: an author who
writes `subprocess.call` there has it called by the first prediction. So only classes of libraries that models are made
of count, and of these only what the library defines itself: a module also holds what it imported.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

from soloist_workloads.serving.postpone import import_sklearn

LIBRARY_CLASS = re.compile(r"((?:sklearn|lightgbm|xgboost)(?:\.\w+)*)\.(_*[A-Z]\w*)")
CONTAINERS = frozenset(
    {"collections.OrderedDict", "collections.defaultdict", "numpy.dtype", "numpy.ndarray"}
)


def find_untrusted(declared: Any) -> list[str]:
    """The declared types that may do anything; in their order, each once."""
    if declared is None:
        return []
    names = declared if isinstance(declared, list) else [declared]
    return [
        name
        for name in dict.fromkeys(map(str, names))
        if name not in CONTAINERS and not _is_library_class(name)
    ]


def _is_library_class(name: str) -> bool:
    """A library that isn't installed can't be looked into; loading will say that it is missing."""
    found = LIBRARY_CLASS.fullmatch(name)
    if found is None:
        return False
    module, attribute = found.groups()
    try:
        if module.startswith("sklearn"):
            import_sklearn()
        kind = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return True
    return isinstance(kind, type) and kind.__module__.partition(".")[0] == module.partition(".")[0]
