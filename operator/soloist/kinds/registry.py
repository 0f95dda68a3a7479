"""All kinds: the one list that the app, the permissions and the tests go by."""

from __future__ import annotations

from typing import Any

from soloist.core.kind import Kind
from soloist.kinds import modelendpoint, pipeline, project, run

KINDS: tuple[Kind[Any], ...] = (project.KIND, pipeline.KIND, run.KIND, modelendpoint.KIND)
