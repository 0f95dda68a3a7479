"""`Run`: one immutable execution."""

from __future__ import annotations

from soloist.api import resources
from soloist.core.kind import Kind
from soloist.core.objects import POD, RUN
from soloist.kinds.run.desired import desire
from soloist.kinds.run.facts import CHILDREN, RunFacts, assemble, needs
from soloist.kinds.run.status import summarize

KIND: Kind[RunFacts] = Kind(
    resource=resources.RUN,
    ref=RUN,
    children=CHILDREN,
    needs=needs,
    assemble=assemble,
    desire=desire,
    summarize=summarize,
    watched=(POD,),
    wakes=("ModelEndpoint",),
)
