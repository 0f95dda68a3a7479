"""`Pipeline`: steps, schedule, triggers."""

from __future__ import annotations

from soloist.api import resources
from soloist.core.kind import Kind
from soloist.core.objects import PIPELINE
from soloist.kinds.pipeline.desired import desire
from soloist.kinds.pipeline.facts import CHILDREN, PipelineFacts, assemble, needs
from soloist.kinds.pipeline.status import summarize

KIND: Kind[PipelineFacts] = Kind(
    resource=resources.PIPELINE,
    ref=PIPELINE,
    children=CHILDREN,
    needs=needs,
    assemble=assemble,
    desire=desire,
    summarize=summarize,
)
