"""`python -m soloist_workloads.optimize MODEL INTO ALLOW_PICKLE BYTES`: one attempt; leaves a verdict in a folder.

It ends with 0 also where the graph isn't taken: that is an answer, not a failure.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from pathlib import Path

from soloist_workloads.optimize.attempt import GRAPH
from soloist_workloads.optimize.judge import judge
from soloist_workloads.optimize.verdict import dump, file_of
from soloist_workloads.serving.memory import bound_growth, offer_to_the_killer

# Imported before memory is bounded: the bound counts what libraries ask for and never use, and they ask for a lot.
LIBRARIES = ("pyarrow.parquet", "sklearn.ensemble", "skl2onnx")


def main(model: str, into: str, allow_pickle: str, share: str) -> None:
    offer_to_the_killer()
    for name in LIBRARIES:
        with suppress(ImportError):  # whoever needs it says so
            importlib.import_module(name)
    if int(share):
        bound_growth(int(share))
    verdict, graph = judge(Path(model), allow_pickle=allow_pickle == "1", share=int(share))
    if graph is not None:
        file = Path(into) / GRAPH
        file.write_bytes(graph)
        file.chmod(0o644)
    file_of(Path(into)).write_text(dump(verdict))


if __name__ == "__main__":
    main(*sys.argv[1:])
